// `node scripts/run.mjs scripts/killRuns.ts [KILLS] [SEED]`: kills training runs with SIGKILL at random moments, resumes them,
// and compares their weights with those of an uninterrupted run.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { writeSample } from "../src/data/sets/sample.node.ts";
import { workFolder } from "../test/cli/commandLine.ts";
import { killAndResume } from "../test/cli/killAndResume.ts";

const [kills = 50, seed = 1] = process.argv.slice(2).map(Number);
const data = join(workFolder, "photos");
await writeSample(data, { imagesPerClass: 8, size: 32 });
const report = await killAndResume(data, join(workFolder, "runs"), kills, seed);
await rm(workFolder, { recursive: true, force: true });
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
process.exit(report.broken.length === 0 && report.resumed === report.uninterrupted ? 0 : 1);
