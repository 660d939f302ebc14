import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { bundle } from "../../scripts/bundle.ts";
import { decodeImage } from "../../src/data/decode/decodeImage.ts";
import {
  createBatches,
  inlinePreparer,
  nodeCodecs,
  parseAugmentations,
  prepareImages,
  sampleData,
  sha256Hex,
} from "../../src/data/index.node.ts";
import { findBrowser, noBrowser, withPage } from "../browser/chromium.ts";
import { augmentationText } from "./pageWork.ts";

const { cases } = JSON.parse(
  readFileSync(new URL("./golden/formats.json", import.meta.url), "utf8"),
) as { cases: { name: string; file: string }[] };

it(`gives the same pixels in a browser as here: every format, resizing, every augmentation`, async ({
  skip,
}) => {
  if (findBrowser() === undefined) skip(noBrowser);
  const codecs = nodeCodecs();
  const here: string[] = [];
  for (const { file } of cases) {
    const image = await decodeImage(new Uint8Array(Buffer.from(file, "base64")), codecs);
    here.push(await sha256Hex(image.data));
  }
  const geometry = { width: 48, height: 48, channels: 3 } as const;
  const prepared = await prepareImages(sampleData({ imagesPerClass: 3 }), {
    preparer: inlinePreparer(codecs, { geometry }),
  });
  const plan = parseAugmentations(augmentationText);
  const batches = createBatches(prepared, { batchSize: 18, phase: "train", seed: 4, ...plan });
  const batch = await sha256Hex((await batches.at(1, 0)).images);

  const { resolve } = createRequire(import.meta.url);
  const base64 = (file: string): string => readFileSync(resolve(file)).toString("base64");
  const wasm = {
    jpeg: base64("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: base64("@jsquash/webp/codec/dec/webp_dec.wasm"),
  };
  const code = await bundle("test/data/decodePage.ts");
  const there = await withPage(code, { isolated: false }, (page) =>
    page.evaluate(([files, modules]) => globalThis.decodeOnPage(files, modules), [
      cases.map(({ file }) => file),
      wasm,
    ] as const),
  );
  expect(there).toEqual({ files: here, batch });
}, 120_000);
