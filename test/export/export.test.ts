import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import { answerGolden, largestDifference, syntheticImages } from "../../src/exporters/golden.ts";
import { onnxExporter } from "../../src/exporters/onnx.ts";
import { bytesSource } from "../../src/formats/byteSource.ts";
import { readNpz } from "../../src/formats/npz/npz.ts";
import { decodeModel } from "../../src/formats/onnx/proto/model.ts";
import { readTensors } from "../../src/formats/tensorFile.ts";
import { createNet } from "../../src/models/index.ts";
import { writeModel } from "../../src/runs/trainedModel.node.ts";
import { striate, workFolder } from "../cli/commandLine.ts";
import { everyTestNet } from "../models/build.ts";
import { tinyModel } from "./tinyModel.ts";

const at = (name: string) => join(workFolder, name);
const model = tinyModel(createNet("resnet20", { variant: "test", classes: 4 }));
/** Nothing to compile, and quick enough for small nets. */
const backend = reference();
/** Two threads on a busy machine wait for each other more than they compute. */
const run = (args: readonly string[]) => striate([...args, "--threads", "1"]);
/** A machine without other programs. */
const nobody = { ask: async () => undefined, close: () => undefined };

interface Document {
  readonly files: readonly string[];
  readonly parity: {
    readonly maxAbsDiff: number;
    readonly images: number;
    readonly origin: string;
    readonly runtime: string;
    readonly foreign: boolean;
  };
}

beforeAll(async () => {
  await writeModel(at("model"), model, { facts: {}, text: "# tiny" });
});

afterAll(async () => {
  await rm(workFolder, { recursive: true, force: true });
});

describe("export to ONNX", () => {
  it("writes the model, its classes, golden pairs and how to use them, checked by ONNX Runtime", async () => {
    const { code, stdout } = await run([
      ...["export", at("model"), "--format", "onnx", "--out", at("onnx"), "--json"],
    ]);
    expect(code).toBe(0);
    const { files, parity } = JSON.parse(stdout) as Document;
    expect(files).toEqual(
      ["classes.json", "golden.npz", "EXPORT.md", "model.onnx"].map((name) =>
        join(at("onnx"), name),
      ),
    );
    expect(parity).toMatchObject({ images: 8, foreign: true });
    expect(parity.runtime).toMatch(/^ONNX Runtime \d/);
    expect(parity.origin).toMatch(/^synthetic images/);
    expect(parity.maxAbsDiff).toBeLessThan(1e-5);
    const labels = JSON.parse(await readFile(files[0]!, "utf8")) as Record<string, string>;
    expect(Object.values(labels)).toEqual(model.classes);
    const proto = decodeModel(await readFile(files[3]!), "it");
    const metadata = Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value]));
    expect(JSON.parse(metadata.classes!)).toEqual(model.classes);
    const golden = await readTensors(await readNpz(bytesSource(await readFile(files[1]!), "it")));
    expect(golden.get("images")!.shape).toEqual([8, 8, 8, 3]);
    expect(golden.get("probabilities")!.shape).toEqual([8, 4]);
    const text = await readFile(files[2]!, "utf8");
    expect(text).toContain(String(parity.maxAbsDiff));
  });

  it("takes bytes and gives probabilities on request, into a file of any name", async () => {
    const out = at("my.net.onnx");
    const { code, stdout } = await run([
      ...["export", at("model"), "--format", "onnx", "--preprocessing", "--softmax"],
      ...["--images", "2", "--out", out, "--json"],
    ]);
    expect(code).toBe(0);
    const { files, parity } = JSON.parse(stdout) as Document;
    expect(files.at(-1)).toBe(out);
    expect(files).toContain(at("my.net.golden.npz"));
    expect(parity).toMatchObject({ images: 2, foreign: true });
    const { graph } = decodeModel(await readFile(out), "it");
    const type = graph!.input[0]!.type!.tensorType!;
    expect(type.elemType).toBe(2);
    expect(type.shape!.dim.map(({ value }) => value.value)).toEqual(["batch", 8n, 8n, 3n]);
    expect(graph!.output.map(({ name }) => name)).toEqual(["scores", "probabilities"]);
  });

  it("does not replace what is there unless told to", async () => {
    const out = at("once.onnx");
    await writeFile(out, "mine");
    const args = ["export", at("model"), "--format", "onnx", "--images", "1", "--out", out];
    const refused = await run(args);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("is there already; replace it with --overwrite");
    expect(await readFile(out, "utf8")).toBe("mine");
    expect((await run([...args, "--overwrite"])).code).toBe(0);
    expect(decodeModel(await readFile(out), "it").producerName).toBe("striate");
  });

  it("names what is wrong with the command", async () => {
    const noFormat = await run(["export", at("model"), "--format", "tar", "--out", at("x")]);
    expect(noFormat.code).toBe(2);
    const noModel = await run(["export", at("none"), "--format", "onnx", "--out", at("x")]);
    expect(noModel.code).toBe(1);
    expect(noModel.stderr).toContain("expected a model folder");
    await mkdir(at("folder"));
    await writeFile(at("file"), "");
    const inFile = await run(["export", at("model"), "--format", "onnx", "--out", at("file")]);
    expect(inFile.code).toBe(1);
    expect(inFile.stderr).toContain("this is a file; name a folder");
  });

  it("checks a run with its own validation images", async () => {
    await writeSample(at("photos"), { imagesPerClass: 8, size: 32 });
    const trained = await run([
      ...["train", at("photos"), "--net", "lenet5", "--input", "32x32x3"],
      ...["--epochs", "1", "--batch", "16", "--out", at("run")],
    ]);
    expect(trained.code).toBe(0);
    const { code, stdout } = await run([
      ...["export", join(at("run"), "model"), "--format", "onnx", "--out", at("ship"), "--json"],
    ]);
    expect(code).toBe(0);
    const { parity } = JSON.parse(stdout) as Document;
    expect(parity.origin).toBe('validation images of "photos"');
    expect(parity.maxAbsDiff).toBeLessThan(1e-5);
  }, 120_000);
});

describe("without ONNX Runtime", () => {
  it.each(everyTestNet().map((net) => [net.name, net.variant, net] as const))(
    "%s, variant %s, is read back by our own importer and answers the same",
    async (_, __, net) => {
      const tiny = tinyModel(net);
      const golden = await answerGolden(tiny, syntheticImages(tiny, 2), backend);
      const request = {
        ...{ model: tiny, card: undefined, golden, version: "0", backend, foreign: nobody },
        ...{ preprocessing: true, softmax: false },
      };
      const files = await onnxExporter.encode(request);
      const { probabilities, foreign } = await onnxExporter.ask(files, request);
      expect(foreign).toBe(false);
      expect(largestDifference(probabilities, golden.probabilities)).toBeLessThan(1e-5);
    },
  );
});
