import { decodeImage } from "../../src/data/decode/decodeImage.ts";
import {
  createBatches,
  inlinePreparer,
  parseAugmentations,
  prepareImages,
  sampleData,
  sha256Hex,
  webCodecs,
} from "../../src/data/index.ts";
import { augmentationText } from "./pageWork.ts";

declare global {
  /** Hashes of the pixels of each file, and of one augmented batch of the sample. */
  var decodeOnPage: (
    files: readonly string[],
    wasm: { readonly jpeg: string; readonly webp: string },
  ) => Promise<{ files: string[]; batch: string }>;
}

globalThis.decodeOnPage = async (files, wasm) => {
  const codecs = webCodecs({
    jpeg: `data:application/wasm;base64,${wasm.jpeg}`,
    webp: `data:application/wasm;base64,${wasm.webp}`,
  });
  const hashes: string[] = [];
  for (const file of files) {
    const bytes = Uint8Array.from(atob(file), (char) => char.charCodeAt(0));
    hashes.push(await sha256Hex((await decodeImage(bytes, codecs)).data));
  }
  const geometry = { width: 48, height: 48, channels: 3 } as const;
  const prepared = await prepareImages(sampleData({ imagesPerClass: 3 }), {
    preparer: inlinePreparer(codecs, { geometry }),
  });
  const plan = parseAugmentations(augmentationText);
  const batches = createBatches(prepared, { batchSize: 18, phase: "train", seed: 4, ...plan });
  return { files: hashes, batch: await sha256Hex((await batches.at(1, 0)).images) };
};
