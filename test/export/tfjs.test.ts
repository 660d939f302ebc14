import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { UnsupportedError } from "../../src/core/errors.ts";
import { foreignProcess } from "../../src/exporters/foreignProcess.node.ts";
import { answerGolden, largestDifference, syntheticImages } from "../../src/exporters/golden.ts";
import { tfjsExporter } from "../../src/exporters/tfjs.ts";
import { createNet, type Net } from "../../src/models/index.ts";
import { importModel } from "../../src/runs/importModel.node.ts";
import { openWeightSource } from "../../src/runs/weightSource.node.ts";
import { everyTestNet } from "../models/build.ts";
import { tinyModel } from "./tinyModel.ts";

/** Nothing to compile, and quick enough for small nets. */
const backend = reference();
const foreign = foreignProcess();
afterAll(() => foreign.close());

async function requestFor(net: Net, ask: typeof foreign) {
  const model = tinyModel(net);
  const golden = await answerGolden(model, syntheticImages(model, 2), backend);
  return {
    ...{ model, card: undefined, golden, version: "0", backend, foreign: ask },
    ...{ preprocessing: false, softmax: false },
  };
}

/** What the exported files are as a net of their own, by the description in them. */
async function asDescribed(
  files: ReadonlyMap<string, Uint8Array>,
  { model, golden }: Awaited<ReturnType<typeof requestFor>>,
): Promise<Float32Array> {
  const folder = await mkdtemp(join(tmpdir(), "striate-tfjs-"));
  try {
    for (const [name, bytes] of files) await writeFile(join(folder, name), bytes);
    const source = await openWeightSource(join(folder, "model.json"));
    const { model: own, fit } = await importModel(source, {});
    expect(fit).toMatchObject({ missing: [], unexpected: [], misshapen: [] });
    const { geometry, normalization } = model;
    const seen = { ...own!, geometry, normalization, loss: model.loss };
    return (await answerGolden(seen, golden, backend)).probabilities;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Nets with a layer that layers models do not have, and what the message names. */
const refused: Readonly<Record<string, RegExp>> = {
  "lenet5 testPaper": /"c3\.axisMap" \(axisMap\): .* no layer for linear maps/,
  "alexnet test": /"avgpool"/,
  "alexnet testPaper": /"norm1" \(localResponseNorm\)/,
  "alexnet testDeck": /"norm1" \(localResponseNorm\)/,
  "zfnet test": /"norm1" \(localResponseNorm\)/,
  "googlenet testPaper": /localResponseNorm/,
  "resnet18 testPreact": /"stem\.pool\.maxPool2d" \(maxPool2d\): its border would be zeros/,
  "convnextv2 test": /mlp\.grn/,
  "convnext_fusion test": /"stages\.0\.branches\.fusion" \(elementwise\)/,
};
const nets = [...everyTestNet(), createNet("resnet20", { classes: 3, input: [3, 16, 16] })].map(
  (net) => [`${net.name} ${net.variant}`, net] as const,
);

describe("every net of the catalogue, in small, as layers of tensorflow.js", () => {
  it.each(nets.filter(([name]) => refused[name] === undefined))(
    "%s gives the same probabilities there, and its weights come back bit for bit",
    async (_, net) => {
      const request = await requestFor(net, foreign);
      const files = await tfjsExporter.encode(request);
      const there = await tfjsExporter.ask(files, request);
      expect(there.foreign).toBe(true);
      const { probabilities } = request.golden;
      expect(largestDifference(there.probabilities, probabilities)).toBeLessThan(1e-5);
      expect(largestDifference(await asDescribed(files, request), probabilities)).toBeLessThan(
        1e-5,
      );
      const nobody = { ask: async () => undefined, close: () => undefined };
      const here = await tfjsExporter.ask(files, { ...request, foreign: nobody });
      expect(here.foreign).toBe(false);
      expect(largestDifference(here.probabilities, probabilities)).toBe(0);
    },
  );

  it.each(nets.filter(([name]) => refused[name] !== undefined))(
    "%s is refused, naming the layer",
    async (name, net) => {
      const request = await requestFor(net, foreign);
      const failure = await tfjsExporter.encode(request).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(UnsupportedError);
      expect((failure as Error).message).toMatch(refused[name]!);
    },
  );
});
