import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";
import { FractalHeap } from "./fractalHeap.ts";
import { treeRecords } from "./recordTree.ts";

/** For each of the two, the B-tree's type, and where in its records the heap ID stands. */
const storages = {
  links: { treeType: 5, creationBytes: 8, hashBytes: 4, idBytes: 7 },
  attributes: { treeType: 8, creationBytes: 2, hashBytes: 0, idBytes: 8 },
} as const;

/**
 * The messages of a group's links, or of an object's attributes, that are too many for its header,
 * by the "info" message there; none if they are in the header.
 */
export async function* denseObjects(
  reader: FileReader,
  info: Cursor,
  what: keyof typeof storages,
): AsyncGenerator<Cursor> {
  const { treeType, creationBytes, hashBytes, idBytes } = storages[what];
  info.skip(1);
  const flags = info.uint8();
  if (flags & 1) info.skip(creationBytes);
  const heapAddress = info.address();
  const tree = info.address();
  if (heapAddress === undefined || tree === undefined) return;
  const heap = await FractalHeap.open(reader, heapAddress);
  for await (const record of treeRecords(reader, tree, treeType)) {
    record.skip(hashBytes);
    yield await heap.object(record.part(idBytes));
  }
}
