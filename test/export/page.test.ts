import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { writeSample } from "../../src/data/sets/sample.node.ts";
import { exportModel } from "../../src/exporters/exportModel.node.ts";
import { answerGolden, largestDifference, syntheticImages } from "../../src/exporters/golden.ts";
import { pageModelOf } from "../../src/exporters/page/encodePage.ts";
import { openPageModel } from "../../src/exporters/page/pageModel.ts";
import { createNet } from "../../src/models/index.ts";
import { writeModel } from "../../src/runs/trainedModel.node.ts";
import { askModel } from "../../src/runs/useModel.node.ts";
import { findBrowser, noBrowser, withFile } from "../browser/chromium.ts";
import { everyTestNet } from "../models/build.ts";
import { tinyModel } from "./tinyModel.ts";

const folder = await mkdtemp(join(tmpdir(), "striate-page-"));
afterAll(() => rm(folder, { recursive: true, force: true }));
const backend = wasm({ threads: 1 });

it("answers from a file, without a network, as Node does: files, camera, recorded images", async ({
  skip,
}) => {
  if (findBrowser() === undefined) skip(noBrowser);
  const tiny = tinyModel(
    createNet("resnet20", { variant: "test", classes: 6, input: [3, 32, 32] }),
  );
  const model = { ...tiny, classes: ["</script>", "<b>", '"', "d & e", "f", "g"], threshold: 0.99 };
  await writeModel(join(folder, "model"), model, { facts: {}, text: "" });
  const out = join(folder, "page.html");
  const { parity, files } = await exportModel(join(folder, "model"), {
    ...{ format: "html", out, images: 3, overwrite: false, backend, version: "0" },
    ...{ preprocessing: false, softmax: false, onProgress: () => undefined },
  });
  expect(parity.maxAbsDiff).toBeLessThan(1e-6);
  expect(files).toContain(out);

  await writeSample(join(folder, "photos"), { imagesPerClass: 1, size: 70 });
  const names = await readdir(join(folder, "photos"), { recursive: true });
  const photos = names
    .filter((name) => /\.(png|jpe?g|webp)$/.test(name))
    .slice(0, 3)
    .map((name) => join(folder, "photos", name));
  expect(photos).toHaveLength(3);
  const here = await askModel(model, photos, { top: 6, backend });

  await withFile(out, async (page) => {
    await page.setInputFiles("#files", photos);
    await page.waitForFunction(
      (count) => document.querySelectorAll("[data-probabilities]").length === count,
      photos.length,
    );
    const there = await page.$$eval("[data-probabilities]", (found) =>
      found.map((card) => JSON.parse((card as HTMLElement).dataset.probabilities!) as number[]),
    );
    // The newest card comes first.
    there.reverse().forEach((probabilities, i) => {
      const named = new Map(here[i]!.predictions.map((p) => [p.label, p.probability]));
      const expected = model.classes.map((label) => named.get(label)!);
      expect(largestDifference(probabilities, expected)).toBeLessThan(1e-5);
    });
    expect(await page.textContent(".unsure")).toContain("Unsure");

    await page.click("#check");
    await page.waitForSelector("#checked[data-difference]");
    expect(await page.textContent("#checked")).toContain("As recorded: over 3 images");
    const difference = await page.getAttribute("#checked", "data-difference");
    expect(Number(difference)).toBeLessThan(1e-5);

    await page.click("#camera");
    await page.waitForSelector("#live [data-probabilities]");
    await page.click("#camera");
    expect(await page.$("#live")).toBeNull();
  });
}, 120_000);

it.each(everyTestNet().map((net) => [net.name, net.variant, net] as const))(
  "%s, variant %s, survives its way into a page and back",
  async (_, __, net) => {
    const model = tinyModel(net);
    const golden = await answerGolden(model, syntheticImages(model, 1), reference());
    const { json, weights } = pageModelOf(model, golden);
    const copy = JSON.parse(JSON.stringify(json)) as typeof json;
    // The engine for browsers without the instructions of the fast one.
    const opened = await openPageModel(copy, weights, reference());
    try {
      expect(await opened.checkGolden()).toBeLessThan(1e-5);
    } finally {
      await opened.close();
    }
  },
);
