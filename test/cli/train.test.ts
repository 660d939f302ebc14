import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { adjustBrightness } from "../../src/data/augment/color.ts";
import { drawSample, encodePng, sampleClasses } from "../../src/data/index.ts";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import type { RunRecord } from "../../src/train/record.ts";
import { striate, workFolder } from "./commandLine.ts";
import { killAndResume } from "./killAndResume.ts";

const data = join(workFolder, "photos");
const small = ["--net", "lenet5", "--input", "32x32x3", "--epochs", "2", "--batch", "16"];

beforeAll(async () => {
  await writeSample(data, { imagesPerClass: 8, size: 32 });
});

afterAll(async () => {
  await rm(workFolder, { recursive: true, force: true });
});

describe("train", () => {
  const out = join(workFolder, "first");

  it("writes a run with all its files, and says what came out", async () => {
    const { code, stdout, stderr } = await striate([
      "train",
      data,
      ...small,
      "--out",
      out,
      "--json",
    ]);
    expect(stderr).toContain("48 images of 6 classes");
    expect(code).toBe(0);
    const document = JSON.parse(stdout) as Record<string, unknown>;
    expect(document).toMatchObject({ run: out, model: join(out, "model"), epochs: 2 });
    expect(document.val).toMatchObject({
      total: expect.any(Number),
      ci95: [expect.any(Number), expect.any(Number)],
    });
    const names = await readdir(out);
    for (const name of [
      "config.json",
      "metrics.jsonl",
      "checkpoints",
      "model",
      "report.html",
      "report.json",
      "split.jsonl",
      "predictions.jsonl",
    ]) {
      expect(names).toContain(name);
    }
    expect(names.some((name) => name.startsWith("events.out.tfevents."))).toBe(true);
    expect(await readdir(join(out, "model"))).toEqual(
      expect.arrayContaining([
        "config.json",
        "preprocessor_config.json",
        "model.safetensors",
        "README.md",
      ]),
    );
    expect((await readFile(join(out, "metrics.jsonl"), "utf8")).trim().split("\n")).toHaveLength(2);
    expect(names.filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  it("gives the same weights on one thread and on two, from the run's own configuration", async () => {
    const again = join(workFolder, "again");
    const { stdout } = await striate([
      ...[
        "train",
        data,
        "--config",
        join(out, "config.json"),
        "--threads",
        "1",
        "--out",
        again,
        "--json",
      ],
    ]);
    const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as {
      weightsSha256: string;
    };
    expect(JSON.parse(stdout)).toMatchObject({ weightsSha256: report.weightsSha256 });
  });

  it("never overwrites a run without being asked", async () => {
    const refused = await striate(["train", data, ...small, "--out", out]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("is there already");
    expect(refused.stderr).toContain("--overwrite");
    const own = await striate(["train", data, ...small, "--out", data, "--overwrite"]);
    expect(own.code).toBe(1);
    expect(own.stderr).toContain("not a run");
    expect(await readdir(data)).toHaveLength(6);
    // A command that cannot begin costs nothing.
    const before = await readFile(join(out, "report.json"), "utf8");
    const wrong = await striate(["train", data, "--out", out, "--overwrite", "--net", "lenet6"]);
    expect(wrong.code).toBe(2);
    expect(await readFile(join(out, "report.json"), "utf8")).toBe(before);
  });

  it("is judged and used by eval and predict", async () => {
    const judged = await striate(["eval", out, data, "--json"]);
    expect(judged.code).toBe(0);
    const report = JSON.parse(await readFile(join(out, "report.json"), "utf8")) as {
      val: { correct: number; total: number };
    };
    const trainedOn = 48 - report.val.total;
    expect(JSON.parse(judged.stdout)).toMatchObject({
      total: 48,
      part: "all",
      confusion: expect.any(Array),
      trainedOn,
    });
    expect(judged.stderr).toContain(`${trainedOn} of these 48 images were trained on`);
    const apart = await striate(["eval", join(out, "model"), data, "--part", "val", "--json"]);
    const { correct, total } = report.val;
    expect(JSON.parse(apart.stdout)).toMatchObject({ correct, total, trainedOn: 0 });
    const photo = join(data, "fish", (await readdir(join(data, "fish")))[0]!);
    const answered = await striate(["predict", out, photo, "nothing.jpg", "--json", "--top", "2"]);
    expect(answered.code).toBe(1);
    expect(JSON.parse(answered.stdout)).toMatchObject([
      { file: photo, error: null, predictions: [{ label: expect.any(String) }, {}] },
      { file: "nothing.jpg", error: "there is no such file", predictions: [] },
    ]);
  });

  it("stops cleanly at Ctrl-C and goes on to the same weights", async () => {
    const args = ["train", data, ...small, "--epochs", "30", "--seed", "4", "--winograd", "off"];
    const whole = await striate([...args, "--out", join(workFolder, "whole"), "--json"]);
    const stopped = join(workFolder, "stopped");
    const ended = await striate([...args, "--out", stopped], { interruptAt: /epoch +2\/30/ });
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain(`striate resume ${stopped}`);
    const other = await striate([...args.slice(0, -2), "--out", stopped, "--resume"]);
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("was begun with --backend wasm --winograd off");
    const resumed = await striate(["resume", stopped, "--json"]);
    expect(resumed.code).toBe(0);
    const sha256 = (text: string) => (JSON.parse(text) as { weightsSha256: string }).weightsSha256;
    expect(sha256(resumed.stdout)).toBe(sha256(whole.stdout));
    const lines = (await readFile(join(stopped, "metrics.jsonl"), "utf8")).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual(
      Array.from({ length: 30 }, (_, i) => i + 1),
    );
  }, 180_000);

  it("survives kill -9 at random moments with the same weights and no file half written", async () => {
    const report = await killAndResume(data, join(workFolder, "killed"), 6, 1);
    expect(report.broken).toEqual([]);
    expect(report.resumed).toBe(report.uninterrupted);
  }, 300_000);

  it("keeps bursts together, and shows how much a naive split would have flattered", async () => {
    const bursts = join(workFolder, "bursts");
    for (const label of sampleClasses().slice(0, 3)) {
      await mkdir(join(bursts, label), { recursive: true });
      for (let scene = 0; scene < 8; scene++) {
        const picture = drawSample(label, scene, 48, 5);
        for (const [shot, light] of [0.9, 1, 1.08].entries()) {
          const png = encodePng(adjustBrightness(picture, light));
          await writeFile(join(bursts, label, `${scene}-${shot}.png`), png);
        }
      }
    }
    const run = join(workFolder, "burst-run");
    const { stdout } = await striate(["train", bursts, ...small, "--epochs", "1", "--out", run]);
    const report = JSON.parse(await readFile(join(run, "report.json"), "utf8")) as RunRecord;
    const { leak, groupedCi95, val, data: described } = report;
    expect(described.groups.count).toBeLessThanOrEqual(26);
    expect(leak!.leaked).toBeGreaterThan(0.7 * leak!.total);
    expect(leak!.naiveLeaked).toBe(1);
    expect(leak!.naive).toBeGreaterThan(leak!.grouped + 0.2);
    expect(groupedCi95![1] - groupedCi95![0]).toBeGreaterThan(val.ci95[1] - val.ci95[0]);
    expect(stdout).toContain(
      `A naive split would have shown ${(100 * leak!.naive).toFixed(1)} % instead of`,
    );
    expect(stdout).toMatch(/They are \d+ bursts or single images; counted so, the interval is/);
    expect(await readFile(join(run, "report.html"), "utf8")).toContain(
      "What a naive split would have shown",
    );
    const partsOf = new Map<string, Set<string>>();
    for (const line of (await readFile(join(run, "split.jsonl"), "utf8")).trim().split("\n")) {
      const { file, split } = JSON.parse(line) as { file: string; split: string };
      const scene = file.replace(/-\d\.png$/, "");
      partsOf.set(scene, (partsOf.get(scene) ?? new Set()).add(split));
    }
    expect([...partsOf].filter(([, parts]) => parts.size > 1)).toEqual([]);
  }, 120_000);
});
