import type { Pixels } from "./decode/pixels.ts";
import type { NamedItem, SplitName } from "./manifest.ts";

/** A block of equally large images, one after the other, and their labels. */
export interface RecordBlock {
  /** Name of the pack, for the items' ids. */
  readonly pack: string;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** `count` images, H×W×C each. */
  readonly data: Uint8Array;
  /** Class name of each record. */
  readonly label: (index: number) => string;
  readonly split?: SplitName | undefined;
}

/** The items of a block; their pixels are views, nothing is copied. */
export function itemsOf(block: RecordBlock): NamedItem[] {
  const { pack, count, width, height, channels, data, label, split } = block;
  const size = width * height * channels;
  const digits = String(Math.max(0, count - 1)).length;
  return Array.from({ length: count }, (_, index) => ({
    id: `${pack}#${String(index).padStart(digits, "0")}`,
    label: label(index),
    source: {
      kind: "pixels" as const,
      pixels: (): Pixels => ({
        width,
        height,
        channels,
        data: data.subarray(index * size, (index + 1) * size),
      }),
    },
    ...(split === undefined ? {} : { split }),
  }));
}

/** Planes after each other (C×H×W) become channels together (H×W×C), for `count` images. */
export function interleave(
  planes: Uint8Array,
  count: number,
  width: number,
  height: number,
  channels: number,
): Uint8Array {
  const area = width * height;
  const out = new Uint8Array(count * area * channels);
  for (let image = 0; image < count; image++) {
    const base = image * area * channels;
    for (let c = 0; c < channels; c++) {
      const plane = base + c * area;
      for (let i = 0, to = base + c; i < area; i++, to += channels) out[to] = planes[plane + i]!;
    }
  }
  return out;
}

/** The part that a file's name tells, if it tells one. */
export function splitFromName(name: string): SplitName | undefined {
  if (/t10k|test/i.test(name)) return "test";
  if (/val/i.test(name)) return "val";
  if (/train|data_batch/i.test(name)) return "train";
  return undefined;
}
