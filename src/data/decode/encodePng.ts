import { zlibSync } from "fflate";
import type { Pixels } from "./pixels.ts";
import { checksum } from "./png.ts";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Writes an image as PNG, 8 bits, grey or colour. Each row gets the filter (none, left, above, Paeth)
 * with the smallest sum of absolute differences, libpng's heuristic.
 */
export function encodePng(image: Pixels): Uint8Array {
  const { width, height, channels } = image;
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header[8] = 8;
  header[9] = channels === 3 ? 2 : 0;
  const parts = [
    Uint8Array.from(signature),
    chunk("IHDR", header),
    chunk("IDAT", zlibSync(filterRows(image), { level: 6 })),
    chunk("IEND", new Uint8Array(0)),
  ];
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, checksum(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

function filterRows({ width, height, channels, data }: Pixels): Uint8Array {
  const rowBytes = width * channels;
  const out = new Uint8Array(height * (rowBytes + 1));
  const candidate = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const row = y * rowBytes;
    const to = y * (rowBytes + 1);
    let smallest = Number.POSITIVE_INFINITY;
    for (const filter of [0, 1, 2, 4]) {
      let cost = 0;
      for (let i = 0; i < rowBytes; i++) {
        const left = i >= channels ? data[row + i - channels]! : 0;
        const above = y > 0 ? data[row + i - rowBytes]! : 0;
        const corner = i >= channels && y > 0 ? data[row + i - rowBytes - channels]! : 0;
        const value = (data[row + i]! - predict(filter, left, above, corner)) & 255;
        candidate[i] = value;
        cost += value < 128 ? value : 256 - value;
      }
      if (cost < smallest) {
        smallest = cost;
        out[to] = filter;
        out.set(candidate, to + 1);
      }
    }
  }
  return out;
}

function predict(filter: number, left: number, above: number, corner: number): number {
  if (filter === 0) return 0;
  if (filter === 1) return left;
  if (filter === 2) return above;
  const estimate = left + above - corner;
  const toLeft = Math.abs(estimate - left);
  const toAbove = Math.abs(estimate - above);
  const toCorner = Math.abs(estimate - corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}
