import { FormatError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import { checkRange } from "../byteSource.ts";
import { type ElementType, elementTypes } from "../elementType.ts";
import { checkStoredShape, type StoredTensor, storedTensor } from "../tensorFile.ts";
import { readDataspace, readDatatype } from "./datatype.ts";
import type { FileReader } from "./fileReader.ts";
import { type Filter, readFilters, unfilter } from "./filters.ts";
import { type Layout, readLayout } from "./layout.ts";
import { type HeaderMessage, messageTypes } from "./objectHeader.ts";

/** How much larger than the file a compressed data set may be. */
const maxExpansionBytes = 2 ** 26;
/** Largest data set of which the file holds nothing (it was made and never filled). */
const maxEmptyBytes = 2 ** 20;

type Chunked = Extract<Layout, { kind: "chunked" }>;

/** A stored chunk: its first element along each axis, and its bytes in the file. */
interface Chunk {
  readonly origin: readonly number[];
  readonly address: number;
  readonly storedBytes: number;
  readonly filterMask: number;
}

/** The numbers of a data set, by the messages of its header; `undefined` where they are no numbers. */
export async function openDataset(
  reader: FileReader,
  messages: readonly HeaderMessage[],
  name: string,
): Promise<StoredTensor | undefined> {
  const find = (type: number) => messages.find((message) => message.type === type);
  const typeMessage = find(messageTypes.datatype);
  const spaceMessage = find(messageTypes.dataspace);
  const layoutMessage = find(messageTypes.layout);
  const where = `${reader.source.name}: data set "${name}"`;
  if (typeMessage === undefined || spaceMessage === undefined || layoutMessage === undefined) {
    throw new FormatError(`${where}: no type, no shape or no layout; the file is damaged.`);
  }
  if (typeMessage.isShared || spaceMessage.isShared) {
    throw reader.unsupported(`data set "${name}" of a committed type`);
  }
  const type = readDatatype(typeMessage.content);
  if (type.kind !== "number") return undefined;
  if (find(messageTypes.externalFiles) !== undefined) {
    throw reader.unsupported(`data set "${name}" in another file; only this file is read`);
  }
  const shape = readDataspace(spaceMessage.content);
  const sizeBytes = checkStoredShape(shape, type.elementType, where);
  const layout = readLayout(reader, layoutMessage.content);
  const filterMessage = find(messageTypes.filters);
  const filters = filterMessage === undefined ? [] : readFilters(reader, filterMessage.content);
  const readBytes = dataReader(reader, layout, filters, shape, type.elementType, where);
  checkSize(reader, layout, sizeBytes, where);
  return storedTensor(shape, type.elementType, where, readBytes);
}

/** Compares the size with what the file can hold, before anything of that size is allocated. */
function checkSize(reader: FileReader, layout: Layout, sizeBytes: number, where: string): void {
  const { source, base } = reader;
  let limit = layout.kind === "chunked" ? source.sizeBytes + maxExpansionBytes : maxEmptyBytes;
  if (layout.kind === "compact") limit = layout.bytes.length;
  else if (layout.address === undefined) limit = maxEmptyBytes;
  else if (layout.kind === "contiguous") {
    checkRange(source, base + layout.address, sizeBytes);
    return;
  }
  if (sizeBytes > limit) {
    throw new FormatError(
      `${where}: ${sizeBytes} bytes; with what the file holds of it, at most ${limit} are read.`,
    );
  }
}

function dataReader(
  reader: FileReader,
  layout: Layout,
  filters: readonly Filter[],
  shape: readonly number[],
  elementType: ElementType,
  where: string,
): () => Promise<Uint8Array> {
  const width = elementTypes[elementType].sizeBytes;
  const sizeBytes = elementCount(shape) * width;
  switch (layout.kind) {
    case "compact":
      return async () => layout.bytes.slice(0, sizeBytes);
    case "contiguous": {
      const { address } = layout;
      if (address === undefined) return async () => new Uint8Array(sizeBytes);
      return () => reader.source.read(reader.base + address, sizeBytes);
    }
    case "chunked":
      return () => readChunks(reader.renewed(), layout, filters, shape, width, where);
  }
}

async function readChunks(
  reader: FileReader,
  layout: Chunked,
  filters: readonly Filter[],
  shape: readonly number[],
  width: number,
  where: string,
): Promise<Uint8Array> {
  const chunkBytes = elementCount(layout.chunk) * width;
  const isFitting = layout.chunk.length === shape.length && layout.chunk.every((size) => size > 0);
  const limit = reader.source.sizeBytes + maxExpansionBytes;
  if (!isFitting || !(chunkBytes <= limit)) {
    throw new FormatError(
      `${where}: chunks of ${formatShape(layout.chunk)} for shape ${formatShape(shape)}.`,
    );
  }
  const result = new Uint8Array(elementCount(shape) * width);
  let unpacked = 0;
  for await (const chunk of chunksOf(reader, layout, shape.length, chunkBytes)) {
    unpacked += chunkBytes;
    if (unpacked > limit + result.length) {
      throw new FormatError(
        `${where}: its chunks unpack to more than ${limit + result.length} bytes.`,
      );
    }
    const stored = await reader.source.read(reader.base + chunk.address, chunk.storedBytes);
    const bytes = unfilter(stored, filters, chunk.filterMask, chunkBytes, where);
    if (bytes.length !== chunkBytes) {
      throw new FormatError(`${where}: a chunk of ${bytes.length} bytes, expected ${chunkBytes}.`);
    }
    copyChunk(bytes, layout.chunk, chunk.origin, result, shape, width);
  }
  return result;
}

async function* chunksOf(
  reader: FileReader,
  layout: Chunked,
  rank: number,
  chunkBytes: number,
): AsyncGenerator<Chunk> {
  if (layout.address === undefined) return;
  if (layout.index === "single") {
    const storedBytes = layout.storedBytes ?? chunkBytes;
    const origin = new Array<number>(rank).fill(0);
    yield { origin, address: layout.address, storedBytes, filterMask: layout.filterMask };
    return;
  }
  const pending = [{ address: layout.address, level: 32 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const headerBytes = 8 + 2 * reader.widths.offset;
    const start = await reader.at(next.address, headerBytes, "chunk tree");
    start.expect("TREE");
    if (start.uint8() !== 1) throw start.fault("a tree of another kind for chunks");
    const level = start.uint8();
    if (level >= next.level) throw start.fault("a tree whose levels do not go down");
    const count = start.uint16();
    const pairBytes = 8 + 8 * (rank + 1) + reader.widths.offset;
    const pairs = await reader.at(next.address + headerBytes, count * pairBytes, "chunk tree");
    for (let i = 0; i < count; i++) {
      const storedBytes = pairs.uint32();
      const filterMask = pairs.uint32();
      const origin = Array.from({ length: rank }, () => pairs.uint64());
      pairs.skip(8);
      const address = pairs.address();
      if (address === undefined) continue;
      if (level === 0) yield { origin, address, storedBytes, filterMask };
      else pending.push({ address, level });
    }
  }
}

/** Copies the part of a chunk that lies inside the data set, row by row of its last axis. */
function copyChunk(
  chunk: Uint8Array,
  chunkShape: readonly number[],
  origin: readonly number[],
  result: Uint8Array,
  shape: readonly number[],
  width: number,
): void {
  const rank = shape.length;
  const inside = shape.map((size, axis) =>
    Math.min(chunkShape[axis]!, Math.max(0, size - origin[axis]!)),
  );
  const rowBytes = (inside[rank - 1] ?? 1) * width;
  const rows = elementCount(inside.slice(0, -1));
  if (rowBytes === 0) return;
  const index = new Array<number>(Math.max(0, rank - 1)).fill(0);
  for (let row = 0; row < rows; row++) {
    let from = 0;
    let to = 0;
    for (let axis = 0; axis < rank; axis++) {
      const i = index[axis] ?? 0;
      from = from * chunkShape[axis]! + i;
      to = to * shape[axis]! + origin[axis]! + i;
    }
    result.set(chunk.subarray(from * width, from * width + rowBytes), to * width);
    for (let axis = rank - 2; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < inside[axis]!) break;
      index[axis] = 0;
    }
  }
}
