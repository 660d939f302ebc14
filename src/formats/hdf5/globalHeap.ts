import type { FileReader } from "./fileReader.ts";

/** An object of a global heap collection, where texts of variable length are kept. */
export async function readHeapObject(
  reader: FileReader,
  address: number,
  index: number,
): Promise<Uint8Array> {
  const start = await reader.at(address, 8 + reader.widths.length, "global heap");
  start.expect("GCOL");
  start.skip(4);
  const sizeBytes = start.length();
  const heap = await reader.at(address, sizeBytes, "global heap");
  heap.skip(8 + reader.widths.length);
  while (heap.left >= 8 + reader.widths.length) {
    const found = heap.uint16();
    heap.skip(6);
    const length = heap.length();
    if (found === index) return heap.bytes(length);
    // Object 0 is the free space behind the last one.
    if (found === 0) break;
    reader.spend(0);
    heap.skip(Math.min(Math.ceil(length / 8) * 8, heap.left));
  }
  throw heap.fault(`no object ${index} in its global heap`);
}
