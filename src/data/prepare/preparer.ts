import type { Codecs } from "../decode/codecs.ts";
import type { DataItem, PixelSource } from "../manifest.ts";
import { measure } from "./facts.ts";
import { checkGeometry, toStored } from "./geometry.ts";
import { type PreparedImage, type PrepareSettings, prepareFile, sha256Hex } from "./prepareOne.ts";

/** Turns files into prepared images; where that happens (here, in threads) is its own affair. */
export interface Preparer {
  readonly settings: PrepareSettings;
  /** How many images are worth being under way at once. */
  readonly concurrency: number;
  /** Rejects with the error that says what is wrong with the file. */
  prepare(item: DataItem): Promise<PreparedImage>;
  close(): Promise<void>;
}

/** Prepares images on the calling thread: in a browser's worker, in tests, for a few images. */
export function inlinePreparer(codecs: Codecs, settings: PrepareSettings): Preparer {
  checkGeometry(settings.geometry);
  return {
    settings,
    concurrency: 1,
    async prepare(item) {
      const { source } = item;
      if (source.kind === "pixels") return prepareRecord(source, settings);
      const bytes = await source.read();
      return prepareFile(bytes, await sha256Hex(bytes), item.id, codecs, settings);
    },
    close: async () => {},
  };
}

/** Measures a record that is pixels already and brings it into its stored form. */
export async function prepareRecord(
  source: PixelSource,
  { geometry }: PrepareSettings,
): Promise<PreparedImage> {
  const image = source.pixels();
  const { width, height, data } = image;
  return {
    pixels: toStored(image, geometry),
    facts: {
      ...measure(image),
      sha256: await sha256Hex(data),
      sizeBytes: data.length,
      width,
      height,
      format: "pixels",
      warnings: [],
    },
  };
}
