// Trains LeNet-5 on MNIST with 1, 2, 3 and 4 threads, once more, and in an installed Chromium, and compares the bits of
// the weights. Prints a line for each; exit code 1 where they differ or the accuracy is below 99.0 %.
//
//   node --conditions=source bench/compare/lenet.ts FOLDER [--epochs 10] [--seed 1]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { bundle } from "../../scripts/bundle.ts";
import { findBrowser, noBrowser, withPage } from "../../test/browser/chromium.ts";
import { type Digits, type LenetResult, trainLenet } from "./lenetTraining.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { epochs: { type: "string", default: "10" }, seed: { type: "string", default: "1" } },
});
const [folder] = positionals;
if (folder === undefined) throw new Error("usage: lenet.ts FOLDER [--epochs E] [--seed S]");
const [epochs, seed] = [Number(values.epochs), Number(values.seed)];

function readDigits(name: string): Digits {
  const read = (file: string, header: number) =>
    new Uint8Array(gunzipSync(readFileSync(join(folder!, file))).subarray(header));
  const labels = read(`${name}-labels-idx1-ubyte.gz`, 8);
  const images = read(`${name}-images-idx3-ubyte.gz`, 16);
  const pixels = new Uint8Array(labels.length * 1024);
  for (let n = 0; n < labels.length; n++) {
    for (let row = 0; row < 28; row++) {
      const from = (n * 28 + row) * 28;
      pixels.set(images.subarray(from, from + 28), n * 1024 + (row + 2) * 32 + 2);
    }
  }
  return { pixels, labels };
}

const parts = { train: readDigits("train"), test: readDigits("t10k") };
const results: LenetResult[] = [];
const show = (what: string, result: LenetResult) => {
  results.push(result);
  const { accuracy, sha256, seconds } = result;
  process.stdout.write(
    `${what.padEnd(20)} ${(accuracy * 100).toFixed(2)} %  ${seconds.toFixed(1).padStart(6)} s  ${sha256}\n`,
  );
};
for (const [what, threads] of [
  ["2 threads", 2],
  ["2 threads again", 2],
  ["1 thread", 1],
  ["3 threads", 3],
  ["4 threads", 4],
] as const) {
  show(what, await trainLenet(parts, { epochs, threads, seed }));
}
if (findBrowser() === undefined) process.stdout.write(`Chromium: skipped, ${noBrowser}\n`);
else {
  const files = {
    "/train-pixels.bin": parts.train.pixels,
    "/train-labels.bin": parts.train.labels,
    "/test-pixels.bin": parts.test.pixels,
    "/test-labels.bin": parts.test.labels,
  };
  const code = await bundle("bench/compare/lenetPage.ts");
  const result = await withPage(code, { isolated: true, files }, (page) => {
    page.setDefaultTimeout(0);
    return page.evaluate(([e, s]) => globalThis.trainOnDigits(e, s), [epochs, seed] as const);
  });
  show("Chromium", result);
}
const same = results.every(({ sha256 }) => sha256 === results[0]!.sha256);
process.stdout.write(same ? "all weights are the same bits\n" : "weights DIFFER\n");
process.exit(same && results.every(({ accuracy }) => accuracy >= 0.99) ? 0 : 1);
