/**
 * Times the matrix and convolution kernels on one thread.
 *
 *     node bench/kernels/run.ts [--narrow] [--hoisted] [--tile=6x16] [--only=vgg16,forward] [--csv=FILE] [--seconds=0.15] [--winograd=auto|off|2|4] [--training]
 *
 * Percentages are of the peak of fused multiply-adds, measured beside each kernel; the time of
 * preparations (packing of weights) stands in a column of its own.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import type { KernelPlan } from "../../src/backends/wasm/kernelPlan.ts";
import { planConv2d } from "../../src/backends/wasm/kernels/conv2d.ts";
import { type Conv2dGeometry, resultSize } from "../../src/backends/wasm/kernels/conv2dGeometry.ts";
import { planConv2dInputGradient } from "../../src/backends/wasm/kernels/conv2dInputGradient.ts";
import { planConv2dWeightGradient } from "../../src/backends/wasm/kernels/conv2dWeightGradient.ts";
import { planMatmul } from "../../src/backends/wasm/kernels/matmul.ts";
import type { WinogradChoice } from "../../src/backends/wasm/kernels/winogradPlan.ts";
import { KernelBench } from "./harness.ts";
import { layers, products } from "./layers.ts";

const { values: options } = parseArgs({
  options: {
    narrow: { type: "boolean", default: false },
    hoisted: { type: "boolean", default: false },
    tile: { type: "string" },
    only: { type: "string", default: "" },
    csv: { type: "string" },
    seconds: { type: "string", default: "0.15" },
    training: { type: "boolean", default: false },
    winograd: { type: "string", default: "auto" },
  },
});
if (!options.narrow) setFlagsFromString("--experimental-wasm-revectorize");
const [rows, columns] = (options.tile ?? (options.narrow ? "6x8" : "6x16")).split("x").map(Number);
const features = {
  relaxedMadd: true,
  wide: !options.narrow,
  hoistsLoads: options.hoisted,
  tile: { rows: rows!, columns: columns! },
};
const winograd: WinogradChoice =
  options.winograd === "2"
    ? 2
    : options.winograd === "4"
      ? 4
      : options.winograd === "off"
        ? "off"
        : "auto";
const bench = new KernelBench(features, Number(options.seconds));
const [only = "", direction = ""] = options.only.split(",");
const lines = ["layer,direction,ms,prepareMs,gflops,peakGflops,percent,compileMs,moduleBytes"];

function report(
  name: string,
  direction: string,
  plan: KernelPlan,
  inputs: readonly number[],
  output: number,
): void {
  const time = bench.time(plan, inputs, [output]);
  const step = time.kernels.filter(({ preparation }) => !preparation);
  const total = step.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const prepare = time.kernels.reduce((sum, { milliseconds }) => sum + milliseconds, -total);
  const flops = Math.max(...step.map((kernel) => kernel.flops));
  const rate = flops / total / 1e6;
  const percent = (100 * rate) / time.peak;
  const cells = [
    total.toFixed(3),
    prepare.toFixed(3),
    rate.toFixed(1),
    time.peak.toFixed(1),
    percent.toFixed(0),
    time.compileMilliseconds.toFixed(1),
    String(time.moduleBytes),
  ];
  lines.push([name, direction, ...cells].join(","));
  const parts = step.length > 1 ? step.map((k) => `${k.name} ${k.milliseconds.toFixed(3)}`) : [];
  process.stdout.write(
    `${name.padEnd(40)} ${direction.padEnd(8)} ${cells[0]!.padStart(9)} ms ${cells[4]!.padStart(4)} %  pack ${cells[1]!.padStart(7)}  ${parts.join(", ")}\n`,
  );
}

function describe({
  images,
  size,
  channels,
  filters,
  kernel,
  stride,
  groups,
}: Conv2dGeometry): string {
  const group = groups > 1 ? ` g${groups}` : "";
  return `${images}x${size[0]}x${size[1]}x${channels} k${filters} ${kernel.join("x")}/${stride[0]}${group}`;
}

for (const [m, n, k, transposeA, transposeB] of products) {
  if (!"matmul".includes(only)) continue;
  const plan = planMatmul(
    { batch: 1, rows: m, columns: n, depth: k, transposeA, transposeB },
    features,
    { weightsChange: options.training },
  );
  const name = `${m}x${n}x${k}${transposeA ? " tA" : ""}${transposeB ? " tB" : ""}`;
  report(name, "matmul", plan, [m * k * 4, k * n * 4], m * n * 4);
}
for (const { net, geometry } of layers) {
  if (!net.includes(only)) continue;
  const { images, size, channels, filters, kernel, groups } = geometry;
  const [p, q] = resultSize(geometry);
  const x = images * size[0] * size[1] * channels * 4;
  const y = images * p * q * filters * 4;
  const w = filters * kernel[0] * kernel[1] * (channels / groups) * 4;
  const name = `${net} ${describe(geometry)}`;
  const directions = {
    forward: () =>
      report(
        name,
        "forward",
        planConv2d(geometry, features, { winograd, weightsChange: options.training }),
        [x, w],
        y,
      ),
    data: () =>
      report(
        name,
        "data",
        planConv2dInputGradient(geometry, features, { winograd, weightsChange: options.training }),
        [y, w],
        x,
      ),
    weight: () =>
      report(
        name,
        "weight",
        planConv2dWeightGradient(geometry, features, { winograd, weightsChange: options.training }),
        [x, y],
        w,
      ),
  };
  for (const [key, run] of Object.entries(directions)) if (key.includes(direction)) run();
}
if (options.csv !== undefined) writeFileSync(options.csv, `${lines.join("\n")}\n`);
