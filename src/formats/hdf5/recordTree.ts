import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";

/** Signature, version and type before the records of a node, and the checksum behind them. */
const nodeOverhead = 10;
const maxDepth = 16;

/**
 * The records of a version 2 B-tree, in order: how the newer form of groups finds links and
 * attributes in a fractal heap.
 *
 * Source: HDF5 File Format Specification 3.0, III.A.2.
 */
export async function* treeRecords(
  reader: FileReader,
  address: number,
  expectedType: number,
): AsyncGenerator<Cursor> {
  const header = await reader.at(address, 22 + reader.widths.offset + reader.widths.length, "tree");
  header.expect("BTHD");
  header.skip(1);
  if (header.uint8() !== expectedType) throw header.fault("a tree of another kind");
  const nodeBytes = header.uint32();
  const recordBytes = header.uint16();
  const depth = header.uint16();
  header.skip(2);
  const root = header.address();
  const rootCount = header.uint16();
  if (root === undefined || rootCount === 0) return;
  if (depth > maxDepth || recordBytes === 0 || nodeBytes <= nodeOverhead) {
    throw header.fault(`a tree ${depth} levels deep of records of ${recordBytes} bytes`);
  }
  const pointers = pointerWidths(nodeBytes, recordBytes, depth, reader.widths.offset);
  const pending = [{ address: root, count: rootCount, level: depth }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const node = await reader.at(next.address, nodeBytes, "tree node");
    node.expect(next.level === 0 ? "BTLF" : "BTIN");
    node.skip(2);
    for (let i = 0; i < next.count; i++) yield node.part(recordBytes);
    if (next.level === 0) continue;
    const { countBytes, totalBytes } = pointers[next.level]!;
    for (let i = 0; i <= next.count; i++) {
      const child = node.address();
      const count = node.unsigned(countBytes);
      node.skip(totalBytes);
      if (child !== undefined) pending.push({ address: child, count, level: next.level - 1 });
    }
  }
}

/** Widths of the two counts beside each child address, by level, from how full a node can be. */
function pointerWidths(
  nodeBytes: number,
  recordBytes: number,
  depth: number,
  offsetBytes: number,
): { countBytes: number; totalBytes: number }[] {
  const leafMax = Math.floor((nodeBytes - nodeOverhead) / recordBytes);
  const countBytes = encodedWidth(leafMax);
  const widths = [{ countBytes, totalBytes: 0 }];
  let totalMax = leafMax;
  let totalBytes = 0;
  for (let level = 1; level <= depth; level++) {
    widths.push({ countBytes, totalBytes });
    const pointer = offsetBytes + countBytes + totalBytes;
    const most = Math.floor((nodeBytes - nodeOverhead - pointer) / (recordBytes + pointer));
    totalMax = (most + 1) * totalMax + most;
    totalBytes = encodedWidth(totalMax);
  }
  return widths;
}

/** Bytes that hold any number up to `limit`. */
export function encodedWidth(limit: number): number {
  return Math.floor(Math.log2(Math.max(1, limit)) / 8) + 1;
}
