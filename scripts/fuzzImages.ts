/**
 * Decodes altered images until the given number is reached, and prints what was found.
 *
 * Usage: fuzzImages.ts [inputs] [seed] [folder of images …]
 *
 * Without folders: the small files of test/data/golden/formats.json, and those of up to 40 KB in
 * ../shared/data/hostile-images where that is there. Inputs that were findings are written to
 * fuzz-findings/.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeCodecs } from "../src/data/decode/codecs.node.ts";
import { fuzzDecoders } from "../test/data/fuzz.ts";

const [inputs = "100000", seed = "1", ...folders] = process.argv.slice(2);
const maxFileBytes = 40_000;
const golden = JSON.parse(
  readFileSync(new URL("../test/data/golden/formats.json", import.meta.url), "utf8"),
) as { cases: { name: string; file: string }[] };
const files = golden.cases.map(({ name, file }) => ({
  name,
  bytes: new Uint8Array(Buffer.from(file, "base64")),
}));
const hostile = fileURLToPath(new URL("../../shared/data/hostile-images", import.meta.url));
for (const folder of folders.length > 0 ? folders : existsSync(hostile) ? [hostile] : []) {
  for (const name of readdirSync(folder, { recursive: true }) as string[]) {
    const path = join(folder, name);
    const info = statSync(path);
    if (info.isFile() && info.size <= maxFileBytes && !name.endsWith(".json")) {
      files.push({ name, bytes: new Uint8Array(readFileSync(path)) });
    }
  }
}

process.stderr.write(`${files.length} files, ${inputs} inputs, seed ${seed}\n`);
const start = performance.now();
const tally = await fuzzDecoders(files, nodeCodecs(), {
  seed: Number(seed),
  inputs: Number(inputs),
  onProgress(done) {
    if (done % 5000 === 0) process.stderr.write(`${done}\n`);
  },
});
const seconds = (performance.now() - start) / 1000;
process.stdout.write(
  `${tally.inputs} inputs in ${seconds.toFixed(0)} s: ${tally.decoded} decoded, ${tally.refused} refused, slowest ${tally.slowestMs.toFixed(0)} ms, ${tally.findings.length} findings, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB\n`,
);
for (const { seedFile, number, problem, bytes } of tally.findings) {
  process.stdout.write(`${number} (${seedFile}): ${problem}\n`);
  mkdirSync("fuzz-findings", { recursive: true });
  writeFileSync(join("fuzz-findings", String(number)), bytes);
}
process.exitCode = tally.findings.length > 0 ? 1 : 0;
