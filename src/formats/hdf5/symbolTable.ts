import { decodeText } from "./attribute.ts";
import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";

/** Names of a group's members and the addresses of their object headers. */
export type Members = Map<string, number>;

/** Levels of a B-tree: each has at least two children, and there are not 2³² of anything. */
const maxLevels = 32;
/** Longest name of a member; Keras's are below two hundred bytes. */
const maxNameBytes = 4096;

/**
 * The members of a group in the form of HDF5 1.6 and before, which is still what h5py writes: a
 * B-tree of symbol nodes, with the names in a local heap.
 *
 * Source: HDF5 File Format Specification 3.0, III.A.1, III.B, III.D.
 */
export async function readSymbolTable(reader: FileReader, message: Cursor): Promise<Members> {
  const tree = message.address();
  const heapAddress = message.address();
  if (tree === undefined || heapAddress === undefined)
    throw message.fault("a group without a tree");
  const names = await readLocalHeap(reader, heapAddress);
  const members: Members = new Map();
  for await (const node of leaves(reader, tree)) {
    const start = await reader.at(node, 8, "symbol node");
    start.expect("SNOD");
    start.skip(2);
    const count = start.uint16();
    const entryBytes = 2 * reader.widths.offset + 24;
    const entries = await reader.at(node + 8, count * entryBytes, "symbol node");
    for (let i = 0; i < count; i++) {
      const nameOffset = entries.unsigned(reader.widths.offset);
      const object = entries.address();
      const cacheType = entries.uint32();
      entries.skip(20);
      // 2 is a symbolic link, which has no object of its own.
      if (cacheType === 2 || object === undefined) continue;
      if (nameOffset >= names.length) throw entries.fault(`a name at ${nameOffset} of its heap`);
      const name = decodeText(names.subarray(nameOffset, nameOffset + maxNameBytes));
      reader.spend(name.length);
      members.set(name, object);
    }
  }
  return members;
}

async function readLocalHeap(reader: FileReader, address: number): Promise<Uint8Array> {
  const heap = await reader.at(
    address,
    8 + 2 * reader.widths.length + reader.widths.offset,
    "heap",
  );
  heap.expect("HEAP");
  heap.skip(4);
  const sizeBytes = heap.length();
  heap.length();
  const data = heap.address();
  if (data === undefined) throw heap.fault("a heap without data");
  const names = await reader.at(data, sizeBytes, "names of a group");
  return names.bytes(sizeBytes);
}

/** Addresses of the symbol nodes below a group's B-tree, in order of names. */
async function* leaves(reader: FileReader, root: number): AsyncGenerator<number> {
  const pending = [{ address: root, level: maxLevels }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const headerBytes = 8 + 2 * reader.widths.offset;
    const start = await reader.at(next.address, headerBytes, "group tree");
    start.expect("TREE");
    if (start.uint8() !== 0) throw start.fault("a tree of another kind in a group");
    const level = start.uint8();
    if (level >= next.level) throw start.fault("a tree whose levels do not go down");
    const count = start.uint16();
    const pairBytes = reader.widths.length + reader.widths.offset;
    const pairs = await reader.at(next.address + headerBytes, count * pairBytes, "group tree");
    const children: number[] = [];
    for (let i = 0; i < count; i++) {
      pairs.length();
      const child = pairs.address();
      if (child !== undefined) children.push(child);
    }
    if (level === 0) yield* children;
    else for (const child of children.reverse()) pending.push({ address: child, level });
  }
}
