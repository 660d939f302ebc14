import type { FileReader } from "./fileReader.ts";

/** The objects of a global heap collection by their number, and its place for messages. */
export interface HeapCollection {
  readonly objects: ReadonlyMap<number, Uint8Array>;
  fault(what: string): Error;
}

/** An object of a global heap collection, where texts of variable length are kept. */
export async function readHeapObject(
  reader: FileReader,
  address: number,
  index: number,
): Promise<Uint8Array> {
  // One collection holds the texts of a whole list, so it is taken apart once.
  let collection = reader.collections.get(address);
  if (collection === undefined) {
    collection = await readCollection(reader, address);
    reader.collections.set(address, collection);
  }
  const object = collection.objects.get(index);
  if (object === undefined) throw collection.fault(`no object ${index} in its global heap`);
  reader.spend(object.length);
  return object;
}

async function readCollection(reader: FileReader, address: number): Promise<HeapCollection> {
  const start = await reader.at(address, 8 + reader.widths.length, "global heap");
  start.expect("GCOL");
  start.skip(4);
  const heap = await reader.at(address, start.length(), "global heap");
  heap.skip(8 + reader.widths.length);
  const objects = new Map<number, Uint8Array>();
  while (heap.left >= 8 + reader.widths.length) {
    const index = heap.uint16();
    heap.skip(6);
    const length = heap.length();
    // Object 0 is the free space behind the last one.
    if (index === 0) break;
    reader.spend(0);
    const bytes = heap.bytes(length);
    if (!objects.has(index)) objects.set(index, bytes);
    heap.skip(Math.min(-length & 7, heap.left));
  }
  return { objects, fault: (what) => heap.fault(what) };
}
