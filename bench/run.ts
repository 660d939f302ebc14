// `npm run bench`: Striate and PyTorch in turn on the same nets, batches and threads, and the ratios of their medians.
//
//   npm run bench -- [--mode train|infer] [--threads 2] [--seconds 4] [--only NET] [--csv FILE]
//
// PyTorch is asked in both memory layouts, and the faster counts. It is Debian's python3-torch with
// python3-torchvision and libopenblas0; without them only Striate is measured, and that is said.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    mode: { type: "string", default: "train" },
    threads: { type: "string", default: "2" },
    seconds: { type: "string", default: "4" },
    only: { type: "string", default: "" },
    csv: { type: "string" },
  },
});

interface Measurement {
  readonly images_per_s: number;
  readonly step_ms_median: number;
  readonly first_step_ms: number;
  readonly peak_rss_mb: number;
  readonly backend: string;
}

/** Net, variant, input, classes, batch for training and for inference. */
const rows = [
  ["lenet5", "modern", "32x32x1", 10, 64],
  ["resnet20", "cifar", "32x32x3", 10, 64],
  ["vgg16", "torchvision", "64x64x3", 10, 16],
  ["resnet18", "torchvision", "64x64x3", 10, 32],
  ["mobilenet_v1", "1.0", "64x64x3", 10, 32],
  ["alexnet", "deck", "227x227x3", 10, 8],
] as const;

function measure(command: string, args: readonly string[]): Measurement | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? (JSON.parse(stdout) as Measurement) : undefined;
}

const lines = ["net,mode,batch,threads,peer,images_per_s,first_step_ms,peak_rss_mb,backend"];
const ratios: number[] = [];
for (const [net, variant, input, classes, batch] of rows) {
  if (!net.includes(values.only)) continue;
  const same = [
    ...["--net", net, "--input", input, "--classes", String(classes), "--mode", values.mode],
    ...["--batch", String(batch), "--threads", values.threads, "--seconds", values.seconds],
  ];
  const striate = () =>
    measure(process.execPath, [
      ...["--conditions=source", "src/cli/main.node.ts", "bench", ...same],
      ...["--variant", variant, "--json"],
    ]);
  const pytorch = (layout: string) =>
    measure("/usr/bin/python3", ["bench/peers/pytorch.py", ...same, "--layout", layout]);
  // In turn, ours before and after, so that a machine that slows down slows both.
  const runs = [
    ["striate", striate()],
    ["pytorch", pytorch("contiguous")],
    ["pytorch", pytorch("channels_last")],
    ["striate", striate()],
  ] as const;
  const speedOf = (peer: string) =>
    runs.flatMap(([name, run]) => (name === peer && run !== undefined ? [run.images_per_s] : []));
  for (const [peer, run] of runs) {
    if (run === undefined) continue;
    const { images_per_s: speed, first_step_ms: first, peak_rss_mb: memory, backend } = run;
    lines.push(
      `${net},${values.mode},${batch},${values.threads},${peer},${speed.toFixed(1)},${first.toFixed(0)},${memory.toFixed(0)},"${backend}"`,
    );
  }
  const ours = speedOf("striate").reduce((sum, speed, _, all) => sum + speed / all.length, 0);
  const theirs = Math.max(...speedOf("pytorch"));
  const ratio = ours / theirs;
  if (Number.isFinite(ratio) && ratio > 0) ratios.push(ratio);
  process.stdout.write(
    `${net.padEnd(14)} striate ${ours.toFixed(0).padStart(6)} images/s   pytorch ${theirs > 0 ? theirs.toFixed(0).padStart(6) : "  not there"}   ratio ${ratio > 0 ? ratio.toFixed(2) : "-"}\n`,
  );
}
if (ratios.length > 0) {
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
  process.stdout.write(`geometric mean of the ratios ${mean.toFixed(2)}\n`);
}
if (values.csv !== undefined) writeFileSync(values.csv, `${lines.join("\n")}\n`);
