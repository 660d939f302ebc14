import { join } from "node:path";
import type { DataSet } from "../data/manifest.ts";
import { selectItems } from "../data/manifest.ts";
import { lumaSide } from "../data/prepare/facts.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import { toInput } from "../data/prepare/geometry.ts";
import { type PreparedSet, prepareImages } from "../data/prepare/prepareImages.ts";
import { threadedPreparer } from "../data/prepare/threads.node.ts";
import { measureNormalization, type Normalization } from "../train/normalization.ts";
import { cacheFolder } from "./cacheFolder.node.ts";
import type { ImageScan } from "./choosePlan.ts";

export interface PrepareDataOptions {
  readonly onBad?: "skip" | "stop";
  readonly threads?: number | undefined;
  /** Facts about records of packs, too; they take time and are wanted by checks and groups only. */
  readonly measureRecords?: boolean;
  readonly onProgress?: (done: number, total: number, bad: number) => void;
  readonly signal?: AbortSignal;
}

/** Decodes every image of a set on all cores, or takes it from the cache. */
export async function prepareData(
  set: DataSet,
  geometry: Geometry,
  options: PrepareDataOptions = {},
): Promise<PreparedSet> {
  const { onBad = "skip", threads, measureRecords = false, onProgress, signal } = options;
  const preparer = await threadedPreparer({
    settings: { geometry },
    cacheFolder: join(cacheFolder(), "images"),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    return await prepareImages(set, {
      preparer,
      onBad,
      measureRecords,
      ...(onProgress === undefined ? {} : { onProgress }),
      ...(signal === undefined ? {} : { signal }),
    });
  } finally {
    await preparer.close();
  }
}

const scanned = 32;
const scanSize = 64;

/** Looks at a few images, evenly over the set, to learn their size and whether they have colour. */
export async function scanImages(
  set: DataSet,
  options: PrepareDataOptions = {},
): Promise<ImageScan> {
  const step = Math.max(1, Math.floor(set.items.length / scanned));
  const indices = Array.from({ length: Math.min(scanned, set.items.length) }, (_, i) => i * step);
  const geometry: Geometry = { width: scanSize, height: scanSize, channels: 3 };
  const { threads, signal } = options;
  const sample = await prepareData(selectItems(set, indices), geometry, {
    measureRecords: true,
    threads,
    ...(signal === undefined ? {} : { signal }),
  });
  const facts = sample.facts.filter((fact) => fact !== undefined);
  const sides = facts.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b);
  const [first] = facts;
  const isCommon = facts.every(
    ({ width, height }) => width === first!.width && height === first!.height,
  );
  return {
    shorterSide: sides[sides.length >> 1]!,
    commonSize: isCommon ? { width: first!.width, height: first!.height } : undefined,
    isGrey: facts.every(({ signature }) => isGrey(signature.subarray(lumaSide * lumaSide))),
  };
}

function isGrey(rgb: Uint8Array): boolean {
  for (let i = 0; i < rgb.length; i += 3) {
    if (rgb[i] !== rgb[i + 1] || rgb[i] !== rgb[i + 2]) return false;
  }
  return true;
}

const measuredImages = 4000;

/** Mean and deviation per channel over the images at `indices`, or an even choice of them. */
export async function normalizationOf(
  prepared: PreparedSet,
  indices: readonly number[],
): Promise<Normalization> {
  const step = Math.max(1, Math.ceil(indices.length / measuredImages));
  const images: Uint8Array[] = [];
  for (let i = 0; i < indices.length; i += step) {
    images.push(toInput(await prepared.pixels(indices[i]!), prepared.geometry).data);
  }
  return measureNormalization(images, prepared.geometry.channels);
}
