import { cp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import { striate, workFolder } from "./commandLine.ts";

const data = join(workFolder, "photos");
const small = ["--net", "lenet5", "--input", "32x32x3", "--threads", "1"];
const text = expect.any(String);
const number = expect.any(Number);

beforeAll(async () => {
  await writeSample(data, { imagesPerClass: 6, size: 32 });
});

afterAll(async () => {
  await rm(workFolder, { recursive: true, force: true });
});

/** What a verb prints with `--json`: one document and nothing else on stdout. */
async function documentOf(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await striate([...args, "--json"]);
  expect([code, stderr.includes("Error")], stderr).toEqual([0, false]);
  return JSON.parse(stdout);
}

describe("summary", () => {
  const fixture = (name: string) =>
    fileURLToPath(new URL(`../formats/fixtures/${name}`, import.meta.url));

  it("shows the net that a file of Keras describes", async () => {
    expect(await documentOf("summary", fixture("keras/tutorial.keras"))).toMatchObject({
      net: "tutorial",
      input: [3, 16, 16],
      // 4·3·9 + 4, 5·4·9 + 5, 20·6 + 6 and 6·3 + 3.
      params: 444,
    });
  });

  it.each([
    [["nowhere.onnx"], 1, "there is no such file or folder"],
    [[fixture("torch/zip.pth")], 1, "describes no net"],
    [[fixture("keras/tutorial.keras"), "--variant", "x"], 2, "a file has no variants"],
    [["resnet20", "--freeze", "nolayer"], 2, "no parameter is called so; there are conv1"],
    [["resnet21"], 2, 'unknown net "resnet21"'],
  ] as const)("%j is refused", async (args, code, message) => {
    const ended = await striate(["summary", ...args]);
    expect(ended.stderr).toContain(message);
    expect(ended.code).toBe(code);
  });
});

describe("documents of the verbs", () => {
  it("nets, summary, size, doctor", async () => {
    expect(await documentOf("nets")).toContainEqual(
      expect.objectContaining({
        name: "lenet5",
        paper: text,
        year: 1998,
        variants: expect.arrayContaining([
          expect.objectContaining({
            variant: "modern",
            input: [1, 32, 32],
            classes: 10,
            params: 61706,
          }),
        ]),
      }),
    );
    expect(await documentOf("summary", "resnet20", "--input", "16x16x3")).toMatchObject({
      net: "resnet20",
      variant: "cifar",
      input: [3, 16, 16],
      params: number,
      weights: number,
      biases: number,
      macs: number,
      activationBytes: number,
      layers: expect.arrayContaining([
        expect.objectContaining({
          name: text,
          kind: text,
          output: [16, 16, 16],
          params: number,
          macs: number,
          receptiveField: number,
        }),
      ]),
    });
    expect(
      await documentOf("size", "--input", "7", "--kernel", "3", "--stride", "3"),
    ).toMatchObject({ fits: false, output: null, exact: number, options: expect.any(Array) });
    expect(await documentOf("doctor")).toMatchObject({ backends: { wasm: { usable: true } } });
  }, 120_000);

  it("data check, with a page of pictures that is not overwritten unasked", async () => {
    const page = join(workFolder, "findings.html");
    await writeFile(join(data, "fish", "broken.png"), "no image");
    const [fish = ""] = (await readdir(join(data, "fish"))).filter((name) =>
      name.startsWith("fish"),
    );
    await cp(join(data, "fish", fish), join(data, "leaf", "copy.png"));
    expect(await documentOf("data", "check", data, "--out", page)).toMatchObject({
      images: 37,
      classes: expect.arrayContaining([{ label: "leaf", images: 7 }]),
      problems: expect.arrayContaining([
        { kind: "corrupt", files: ["fish/broken.png"], detail: text },
        { kind: "label-conflict", files: [`fish/${fish}`, "leaf/copy.png"], detail: text },
      ]),
    });
    const html = await readFile(page, "utf8");
    expect(html).toContain("fish/broken.png: no image format begins with");
    expect(html.match(/<img src="data:image\/png;base64,/g)?.length).toBeGreaterThanOrEqual(2);
    expect(html).not.toMatch(/(src|href)="(?!data:|#)/);
    const again = await striate(["data", "check", data, "--out", page]);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("--overwrite")]);
    await rm(join(data, "fish", "broken.png"));
    await rm(join(data, "leaf", "copy.png"));
  }, 120_000);

  it("data split, data preview, and flags from a configuration file", async () => {
    const config = join(workFolder, "split.json");
    await writeFile(config, JSON.stringify({ val: 0.5, seed: 3 }));
    const out = join(workFolder, "split");
    expect(await documentOf("data", "split", data, "--out", out, "--config", config)).toMatchObject(
      { train: 18, val: 18, test: 0, groups: 36 },
    );
    await writeFile(config, JSON.stringify({ vall: 0.5 }));
    const wrong = await striate(["data", "split", data, "--out", out, "--config", config]);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean "val"?')]);
    const sheet = join(workFolder, "sheet.png");
    expect(await documentOf("data", "preview", data, "--out", sheet)).toMatchObject({ images: 8 });
    expect((await readFile(sheet)).subarray(1, 4).toString()).toBe("PNG");
  }, 120_000);

  it("lr-find, optim-lab, bench", async () => {
    expect(await documentOf("lr-find", data, ...small, "--steps", "10")).toMatchObject({
      suggestion: number,
      points: expect.any(Array),
    });
    const racers = ["--optimizers", "sgd(lr=0.1); adam(lr=0.001)", "--epochs", "1"];
    expect(await documentOf("optim-lab", data, ...small, ...racers)).toMatchObject({
      results: [
        { optimizer: text, accuracy: number, loss: number },
        { optimizer: text, accuracy: number, loss: number },
      ],
    });
    const bench = ["--net", "lenet5", "--mode", "infer", "--batch", "4", "--threads", "1"];
    expect(await documentOf("bench", ...bench, "--seconds", "0.2")).toMatchObject({
      peer: "striate",
      model: text,
      mode: "infer",
      batch: 4,
      threads: 1,
      images_per_s: number,
      step_ms_median: number,
      first_step_ms: number,
      peak_rss_mb: number,
      backend: text,
      note: text,
    });
  }, 120_000);

  it("data get, from a folder that lacks the files", async () => {
    const { code, stderr } = await striate(["data", "get", "mnist", "--from", data]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("train-images-idx3-ubyte")]);
    const unknown = await striate(["data", "get", "cifar10"]);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('"cifar-10"')]);
  }, 120_000);
});

it("writes no escape sequences where nobody sees them", async () => {
  const { stdout, stderr } = await striate(["train", data, ...small, "--epochs", "1"], {
    env: { NO_COLOR: undefined, FORCE_COLOR: undefined },
  });
  expect(stdout + stderr).not.toContain("\u001b");
  expect(stderr).toContain("epoch 1/1");
}, 120_000);
