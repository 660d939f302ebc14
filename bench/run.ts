// `npm run bench`; `npm run bench -- --help` says what it does.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { parseArgs } from "node:util";
import { root } from "./cache.ts";
import { csvLine } from "./csv.ts";
import { type Contestant, contestants, type Measurement, peerNames } from "./peers.ts";
import { type Mode, type Row, rowsOf } from "./rows.ts";
import { geometricMean, median } from "./statistics.ts";

const help = `Measure Striate and others in turn on the same nets, batches and threads, and the ratios of their speeds.

Usage: npm run bench -- [--flags]

  --mode train|infer   what to measure (default train)
  --threads N          threads that compute (default 2)
  --seconds N          time to measure each contestant in each round (default 3)
  --rounds N           rounds (default 3)
  --only TEXT          nets whose name holds this text (all if left out)
  --peers NAMES        whom beside Striate, separated by commas (default pytorch; with --mode infer pytorch,onnxruntime)
  --csv FILE           write every single measurement

Peers: pytorch (both memory layouts), pytorch-avx2 (the same, kept to AVX2), onnxruntime, tfjs (its WebAssembly and its CPU
backend), jaxjs; and Striate elsewhere: system-node (built, under the Node on the path), chromium (on a page). PyTorch is
Debian's python3-torch with python3-torchvision and libopenblas0; packages of npm are installed into .cache/bench at first
use. Who cannot run a net is listed with the reason.
`;
const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    mode: { type: "string", default: "train" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    peers: { type: "string" },
    csv: { type: "string" },
  },
});
if (values.help) {
  process.stdout.write(help);
  process.exit(0);
}
if (values.mode !== "train" && values.mode !== "infer")
  fail(`--mode ${values.mode}: train or infer`);
const mode: Mode = values.mode;
const peers = (values.peers ?? (mode === "train" ? "pytorch" : "pytorch,onnxruntime")).split(",");
for (const name of peers) {
  if (!peerNames.includes(name)) fail(`--peers ${name}: there are ${peerNames.join(", ")}`);
}
const [threads, seconds, rounds] = [values.threads, values.seconds, values.rounds].map(Number) as [
  number,
  number,
  number,
];

/** One run of one contestant. */
interface Run {
  readonly contestant: Contestant;
  readonly round: number;
  readonly result: Measurement | string;
}

const machine = `${cpus()[0]!.model.trim()}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`;
const commit = spawnSync("git", ["describe", "--always", "--dirty"], {
  cwd: root,
  encoding: "utf8",
});
const lines = [
  "date,machine,commit,mode,net,input,batch,threads,peer,way,round,images_per_s,step_ms,first_step_ms,peak_rss_mb,backend,note\n",
];
const ratios = new Map<string, number[]>();
process.stdout.write(`${mode}, ${threads} threads, ${machine}, commit ${commit.stdout.trim()}\n`);
for (const row of rowsOf[mode]) {
  if (!row.net.includes(values.only)) continue;
  const runs = measureRow(row);
  for (const run of runs) lines.push(runLine(row, run));
  process.stdout.write(
    `${`${row.title} ${row.input} x ${row.batch}`.padEnd(32)} ${describe(runs)}\n`,
  );
  if (values.csv !== undefined) writeFileSync(values.csv, lines.join(""));
}
for (const [peer, list] of ratios) {
  process.stdout.write(
    `${peer}: geometric mean of ${list.length} ratios ${geometricMean(list).toFixed(2)}, least ${Math.min(...list).toFixed(2)}\n`,
  );
}

/** All contestants in turn, every second round backwards, so that a machine that slows down slows all. */
function measureRow(row: Row): Run[] {
  const runs: Run[] = [];
  let able = contestants(peers);
  for (let round = 0; round < rounds; round++) {
    for (const contestant of round % 2 === 0 ? able : [...able].reverse()) {
      const result = contestant.measure({ row, mode, threads, seconds });
      runs.push({ contestant, round, result });
      // Who could not once is not asked again.
      if (typeof result === "string") able = able.filter((other) => other !== contestant);
    }
  }
  return runs;
}

/** Speeds and the median over the rounds of Striate's speed over the peer's best. */
function describe(runs: readonly Run[]): string {
  const best = (peer: string, round: number): number =>
    Math.max(
      0,
      ...runs.map(({ contestant, result, ...run }) =>
        contestant.peer === peer && run.round === round && typeof result !== "string"
          ? result.images_per_s
          : 0,
      ),
    );
  const all = Array.from({ length: rounds }, (_, round) => round);
  const own = all.map((round) => best("striate", round));
  const parts = [`striate ${median(own).toFixed(0).padStart(6)}`];
  for (const peer of new Set(runs.map(({ contestant }) => contestant.peer))) {
    if (peer === "striate") continue;
    const theirs = all.map((round) => best(peer, round));
    if (theirs.every((speed) => speed === 0)) {
      const reasons = runs
        .filter(({ contestant }) => contestant.peer === peer)
        .map(({ contestant: { way }, result }) => `${way}: ${result}`);
      parts.push(`${peer} cannot (${reasons.join("; ")})`);
      continue;
    }
    const ratio = median(all.map((round) => own[round]! / theirs[round]!));
    ratios.set(peer, [...(ratios.get(peer) ?? []), ratio]);
    parts.push(`${peer} ${median(theirs).toPrecision(4)} = ${ratio.toFixed(2)}x`);
  }
  return parts.join("   ");
}

function runLine(row: Row, { contestant: { peer, way }, round, result }: Run): string {
  const { net, input, batch } = row;
  const numbers =
    typeof result === "string"
      ? ["", "", "", "", "", result]
      : [
          result.images_per_s,
          result.step_ms_median,
          Math.round(result.first_step_ms),
          result.peak_rss_mb === null ? "" : Math.round(result.peak_rss_mb),
          result.backend,
          result.note,
        ];
  const date = new Date().toISOString().slice(0, 19);
  const cells = [date, machine, commit.stdout.trim(), mode, net, input];
  return csvLine([...cells, batch, threads, peer, way, round, ...numbers]);
}

function fail(message: string): never {
  process.stderr.write(`bench: ${message}\n`);
  process.exit(1);
}
