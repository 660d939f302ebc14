import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import { striate, workFolder } from "./commandLine.ts";

const photos = join(workFolder, "photos");
const others = join(workFolder, "others");
const runs = join(workFolder, "runs");
const body = join(runs, "body");

interface Trained {
  readonly run: string;
  readonly net: string;
  readonly variant: string;
  readonly epochs: number;
  readonly val: { readonly accuracy: number; readonly correct: number };
  readonly weightsSha256: string;
}

async function train(name: string, data: string, ...args: string[]): Promise<Trained> {
  const ended = await striate([
    "train",
    data,
    "--out",
    join(runs, name),
    "--threads",
    "1",
    "--json",
    ...args,
  ]);
  expect(ended.code, ended.stderr).toBe(0);
  return JSON.parse(ended.stdout) as Trained;
}

async function refusal(...args: string[]): Promise<string> {
  const ended = await striate(["train", others, "--out", join(runs, "refused"), ...args]);
  expect(ended.code, ended.stderr).not.toBe(0);
  expect(ended.stdout).toBe("");
  return ended.stderr;
}

const config = async (run: string) =>
  JSON.parse(await readFile(join(run, "config.json"), "utf8")) as {
    readonly plan: {
      readonly transfer: { readonly head: string; readonly cut: string; readonly codes: number };
      readonly normalization: object;
    };
    readonly choices: readonly { readonly what: string; readonly value: string }[];
  };

beforeAll(async () => {
  await writeSample(photos, { imagesPerClass: 12, size: 32 });
  // Three of the classes are the new problem.
  await mkdir(others);
  for (const label of (await readdir(photos)).sort().slice(0, 3)) {
    await cp(join(photos, label), join(others, label), { recursive: true });
  }
  await train(
    "body",
    photos,
    "--net",
    "squeezenet",
    "--variant",
    "test",
    "--input",
    "32x32x3",
    "--epochs",
    "3",
  );
}, 120_000);

afterAll(async () => {
  await rm(workFolder, { recursive: true, force: true });
});

describe("train --transfer extract", () => {
  it("makes a whole net whose classifier alone is new, twice to the same bits", async () => {
    const args = ["--weights", body, "--transfer", "extract", "--epochs", "8"];
    const first = await train("extract", others, ...args);
    expect(first).toMatchObject({ net: "squeezenet", variant: "own", epochs: 8 });
    const { plan, choices } = await config(first.run);
    expect(plan.transfer).toMatchObject({ head: "head.fc", cut: "features", codes: 8 });
    expect(plan.normalization).toMatchObject((await config(body)).plan.normalization);
    expect(choices.map(({ what }) => what)).toContain("codes");
    // The codes of the second come from the cache.
    const second = await train("extractAgain", others, ...args);
    expect(second.weightsSha256).toBe(first.weightsSha256);
    const judged = await striate(["eval", first.run, others, "--part", "all", "--json"]);
    expect(judged.code, judged.stderr).toBe(0);
  });

  it("judges the whole net as the classifier was judged on the codes", async () => {
    const { run, val } = await train(
      "svm",
      others,
      "--weights",
      body,
      "--transfer",
      "extract",
      "--classifier",
      "svm",
      "--keep",
      "last",
      "--epochs",
      "5",
    );
    const metrics = (await readFile(join(run, "metrics.jsonl"), "utf8")).trim().split("\n");
    const last = JSON.parse(metrics.at(-1)!) as { val: { correct: number } };
    expect(val.correct).toBe(last.val.correct);
  });

  it("cuts where it is told to", async () => {
    const { run } = await train(
      "cut",
      others,
      "--weights",
      body,
      "--transfer",
      "extract",
      "--cut",
      "features.3",
      "--epochs",
      "2",
    );
    expect((await config(run)).plan.transfer).toMatchObject({ cut: "features.3", head: "head.fc" });
  });

  it("goes on after an interruption to the same bits", async () => {
    const args = ["--weights", body, "--transfer", "extract", "--epochs", "300"];
    const whole = await train("extractWhole", others, ...args);
    const out = join(runs, "extractStopped");
    const stopped = await striate(["train", others, "--out", out, "--threads", "1", ...args], {
      interruptAt: /epoch +20\/300/,
    });
    expect(stopped.code).toBe(1);
    const resumed = await striate(["resume", out, "--json"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ weightsSha256: whole.weightsSha256 });
  });
});

describe("train --transfer finetune", () => {
  it("begins from the weights, leaves what is frozen and goes on after an interruption to the same bits", async () => {
    const args = [
      ...["--weights", body, "--transfer", "finetune", "--epochs", "30", "--freeze", "features.0"],
      ...["--unfreeze-every", "4", "--body-lr", "0.5"],
    ];
    const whole = await train("fine", others, ...args);
    const out = join(runs, "fineStopped");
    const stopped = await striate(["train", others, "--out", out, "--threads", "1", ...args], {
      interruptAt: /epoch +6\/30/,
    });
    expect(stopped.code).toBe(1);
    const resumed = await striate(["resume", out, "--json"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({ weightsSha256: whole.weightsSha256 });
  });

  it("keeps a classifier of the same classes", async () => {
    const { run } = await train(
      "same",
      photos,
      "--weights",
      body,
      "--transfer",
      "finetune",
      "--epochs",
      "1",
      "--lr",
      "0",
    );
    const before = await readFile(join(body, "metrics.jsonl"), "utf8");
    expect(before).not.toBe("");
    const { choices } = await config(run);
    expect(choices).toContainEqual(
      expect.objectContaining({ what: "classifier", value: "that of the weights" }),
    );
  });
});

describe("train --weights is refused", () => {
  it("without weights, or with options of the other way", async () => {
    expect(await refusal("--transfer", "extract")).toContain("transfer from what?");
    const extract = ["--weights", body, "--transfer", "extract"];
    expect(await refusal(...extract, "--body-lr", "0.5")).toContain(
      "goes with --transfer finetune",
    );
    expect(await refusal(...extract, "--augment", "horizontalFlip")).toContain("computed once");
    expect(await refusal("--cut", "features")).toContain("--cut goes with --transfer");
  });

  it("at a wrong file, net, layer, pattern or size", async () => {
    expect(await refusal("--weights", "nowhere.pth")).toContain("there is no such file or folder");
    const finetune = ["--weights", body, "--transfer", "finetune"];
    expect(await refusal(...finetune, "--net", "resnet20")).toContain("are of squeezenet");
    expect(await refusal(...finetune, "--cut", "features.77")).toContain(
      "no such layer. It has features.0",
    );
    expect(await refusal(...finetune, "--freeze", "layer1")).toContain("there are features.0");
    expect(await refusal(...finetune, "--input", "32x32x1")).toContain("the weights take 3");
    const file = join(body, "model", "model.safetensors");
    expect(await refusal("--weights", file, "--net", "resnet20")).toContain(
      "they are not of resnet20",
    );
    expect(await refusal("--weights", file)).toContain("name one with --net");
  });
});

describe("advise", () => {
  it("measures size and likeness at several depths, and says what follows", async () => {
    const ended = await striate(["advise", others, "--weights", body, "--json"]);
    expect(ended.code, ended.stderr).toBe(0);
    const { size, similarity, strategy, why, flags } = JSON.parse(ended.stdout);
    expect(size).toMatchObject({ images: 36, classes: 3, isLarge: false });
    expect(similarity.probes.length).toBeGreaterThan(1);
    expect(similarity.probes.at(-1).cut).toBe("features");
    expect(["extract", "extract-earlier"]).toContain(strategy);
    expect(why).toContain("12 images in a typical class are few");
    expect(flags).toContain(`--weights ${body} --transfer extract`);
  });

  it("does without weights, and says what it does not know", async () => {
    const ended = await striate(["advise", others, "--json"]);
    expect(JSON.parse(ended.stdout)).toMatchObject({ similarity: null, strategy: "extract" });
  });
});
