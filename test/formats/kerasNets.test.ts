import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { answerGolden } from "../../src/exporters/golden.ts";
import { type ImportedModel, importModel } from "../../src/runs/importModel.node.ts";
import { openWeightSource } from "../../src/runs/weightSource.node.ts";

/** Classifiers that Keras saved, with Keras's own answers: test/formats/fixtures/keras/makeNets.py. */
const fixtures = new URL("fixtures/keras/", import.meta.url);
const answers = JSON.parse(readFileSync(new URL("answers.json", fixtures), "utf8")) as Record<
  string,
  number[]
>;
const open = (name: string) => openWeightSource(fileURLToPath(new URL(name, fixtures)));

/** What the imported model makes of the upper left corner of the image, as large as it takes. */
async function probabilities({ model }: ImportedModel): Promise<readonly number[]> {
  const { height, width } = model!.geometry;
  const rows = Array.from({ length: height }, (_, y) =>
    answers.image!.slice(y * 16 * 3, (y * 16 + width) * 3),
  );
  const images = Uint8Array.from(rows.flat());
  const given = { images, count: 1, origin: "a drawn image" };
  return [...(await answerGolden(model!, given, reference())).probabilities];
}

function expectClose(given: readonly number[], expected: readonly number[]): void {
  expect(given.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) expect(given[i]!).toBeCloseTo(value, 5);
}

describe("a net that a file of Keras describes answers as Keras", () => {
  it.each(["functional.keras", "functional.h5", "tutorial.keras", "transfer.keras", "transfer.h5"])(
    "%s",
    async (file) => {
      const imported = await importModel(await open(file), {});
      expect(imported.fit).toMatchObject({ missing: [], unexpected: [], misshapen: [] });
      expectClose(await probabilities(imported), answers[file.split(".")[0]!]!);
    },
  );
});

it("weights of Keras 1's names fit a net of the catalogue by order, with what was flattened in our order", async () => {
  const imported = await importModel(await open("vggWeights.h5"), {
    net: "vgg11",
    variant: "test",
    ...{
      channels: "bgr",
      mean: [103.939 / 64, 116.779 / 64, 123.68 / 64],
      std: [1],
      scale: 1 / 64,
    },
  });
  expect(imported.fit).toMatchObject({ by: "order", missing: [], unexpected: [] });
  expectClose(await probabilities(imported), answers.vggWeights!);
});
