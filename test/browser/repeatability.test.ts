import { describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import { syntheticDigits, trainLenet } from "../training/lenet.ts";
import { findBrowser, noBrowser, withPage } from "./chromium.ts";

const steps = 40;
const train = (threads: number) =>
  trainLenet(wasm({ threads }), syntheticDigits(640), { steps, batch: 32, seed: 7 });

describe("training repeats bit for bit", () => {
  test("with 1, 2, 3 and 4 threads and in a second run", async () => {
    const first = await train(1);
    expect(first.losses.at(-1)!).toBeLessThan(first.losses[0]! / 2);
    for (const threads of [1, 2, 3, 4]) expect(await train(threads)).toEqual(first);
  });

  test("in a browser, with shared memory and without", async ({ skip }) => {
    if (findBrowser() === undefined) skip(noBrowser);
    const expected = await train(2);
    const code = await bundle("test/browser/lenetPage.ts");
    for (const isolated of [true, false]) {
      const result = await withPage(code, { isolated }, (page) =>
        page.evaluate((count) => globalThis.trainOnPage(count), steps),
      );
      expect(result.description).toContain(isolated ? "threads" : "1 thread");
      expect(result.losses).toEqual(expected.losses);
      expect(result.sha256).toBe(expected.sha256);
    }
  });
});
