import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { exportModel } from "../../src/exporters/exportModel.node.ts";
import { answerGolden, syntheticImages } from "../../src/exporters/golden.ts";
import { torchExporter } from "../../src/exporters/weightFiles.ts";
import { openFile } from "../../src/formats/fileSource.node.ts";
import { openWeights, readTensors } from "../../src/formats/index.ts";
import { createNet } from "../../src/models/index.ts";
import { readModel, writeModel } from "../../src/runs/trainedModel.node.ts";
import { everyTestNet } from "../models/build.ts";
import { tinyModel } from "./tinyModel.ts";

const folder = await mkdtemp(join(tmpdir(), "striate-weights-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
/** Nothing to compile, and quick enough for small nets. */
const backend = reference();
const card = { facts: { license: "mit" }, text: "# tiny\n\nAccuracy: measured." };

async function exported(
  model: ReturnType<typeof tinyModel>,
  format: "safetensors" | "torch",
  name: string,
) {
  const source = join(folder, `${name}-model`);
  await writeModel(source, model, card);
  const result = await exportModel(source, {
    ...{ format, out: join(folder, name), images: 2, overwrite: false, backend, version: "0" },
    ...{ preprocessing: false, softmax: false, onProgress: () => undefined },
  });
  expect(result.parity).toMatchObject({ maxAbsDiff: 0, images: 2, foreign: false });
  return result;
}

describe("export of weights", () => {
  const model = tinyModel(createNet("mobilenet_v2", { classes: 3, input: [3, 32, 32] }));

  it("to the hub's folder can be opened as a model again, bit for bit, with the card", async () => {
    const { files } = await exported(model, "safetensors", "hub");
    const again = await readModel(join(folder, "hub"));
    expect(new Map(again.weights)).toEqual(
      new Map([...model.weights].map(([name, t]) => [name, expect.objectContaining(t)])),
    );
    expect(again.classes).toEqual(model.classes);
    expect(await readFile(join(folder, "hub", "README.md"), "utf8")).toContain(
      "Accuracy: measured.",
    );
    expect(files.at(-1)).toBe(join(folder, "hub", "model.safetensors"));
  });

  it("to a state dict loads in PyTorch, where torchvision's net gives the same probabilities", async ({
    skip,
  }) => {
    await exported(model, "torch", "torch");
    const read = await openWeights(await openFile(join(folder, "torch", "model.pth")));
    const tensors = await readTensors(read);
    for (const [name, { shape, data }] of model.weights) {
      expect(tensors.get(name)).toMatchObject({ shape, data });
    }
    const python = "/usr/bin/python3";
    // Looked for, not imported, which takes seconds.
    const look = "import sys, importlib.util as i; sys.exit(i.find_spec('torchvision') is None)";
    const { status } = spawnSync(python, ["-c", look]);
    if (status !== 0) skip(`${python} has no PyTorch with torchvision`);
    // The lines that the export itself says to run.
    const text = await readFile(join(folder, "torch", "EXPORT.md"), "utf8");
    const code = /```python\n([\s\S]*?)```/.exec(text)![1]!;
    await writeFile(join(folder, "torch", "check.py"), code);
    const { stdout, stderr } = spawnSync(python, ["check.py"], {
      cwd: join(folder, "torch"),
      encoding: "utf8",
    });
    expect(stderr).not.toContain("Error");
    expect(Number(stdout.trim())).toBeLessThan(1e-5);
    expect(stdout.trim()).not.toBe("");
  }, 120_000);

  it.each(everyTestNet().map((net) => [net.name, net.variant, net] as const))(
    "of %s, variant %s, to a state dict comes back bit for bit",
    async (_, __, net) => {
      const tiny = tinyModel(net);
      const golden = await answerGolden(tiny, syntheticImages(tiny, 1), backend);
      const foreign = { ask: async () => undefined, close: () => undefined };
      const request = {
        ...{ model: tiny, card: undefined, golden, version: "0", backend, foreign },
        ...{ preprocessing: false, softmax: false },
      };
      const files = await torchExporter.encode(request);
      const { notes } = await torchExporter.ask(files, request);
      expect(notes).toEqual([`All ${tiny.weights.size} tensors came back bit for bit.`]);
    },
  );
});
