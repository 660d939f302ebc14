import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { createModel, openClassifier } from "../../src/index.ts";
import { findBrowser, noBrowser, withPage } from "../browser/chromium.ts";

const limitBytes = 100_000;
const pixels = Array.from({ length: 32 * 32 }, (_, i) => (i * 37) % 256);

describe("a page that answers with LeNet-5", () => {
  test(`takes less than ${limitBytes} bytes, gzipped`, async () => {
    const code = await bundle("test/package/lenetInference.ts");
    const size = gzipSync(code, { level: 9 }).length;
    expect(size).toBeLessThan(limitBytes);
    // What no inference needs must not be there.
    for (const word of ["optimizer.", "accumulated.", "node:fs"]) expect(code).not.toContain(word);
  });

  test("gives the same answer as Node", async ({ skip }) => {
    if (findBrowser() === undefined) skip(noBrowser);
    const classifier = await openClassifier(createModel("lenet5", { classes: 10, seed: 3 }));
    const [expected] = await classifier.predict(Uint8Array.from(pixels));
    await classifier.close();
    const code = await bundle("test/package/lenetInference.ts");
    const answer = await withPage(code, { isolated: true }, (page) =>
      page.evaluate((bytes) => globalThis.classify(bytes), pixels),
    );
    expect(answer).toEqual({ label: expected!.label, probability: expected!.probability });
  });
});
