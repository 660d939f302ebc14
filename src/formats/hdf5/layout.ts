import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";

/** Where the numbers of a data set are. */
export type Layout =
  | { readonly kind: "compact"; readonly bytes: Uint8Array }
  | { readonly kind: "contiguous"; readonly address: number | undefined }
  | {
      readonly kind: "chunked";
      /** A B-tree of chunks, or one chunk alone. */
      readonly index: "tree" | "single";
      readonly address: number | undefined;
      /** Sizes of a chunk in elements, along each axis of the data set. */
      readonly chunk: readonly number[];
      /** Of a single chunk: bytes in the file, where filtered, and the filters left out. */
      readonly storedBytes: number | undefined;
      readonly filterMask: number;
    };

/** Reads a data layout message, versions 3 and 4. */
export function readLayout(reader: FileReader, cursor: Cursor): Layout {
  const version = cursor.uint8();
  if (version !== 3 && version !== 4) {
    throw reader.unsupported(`data layout version ${version}; 3 and 4 are read`);
  }
  const layoutClass = cursor.uint8();
  switch (layoutClass) {
    case 0:
      return { kind: "compact", bytes: cursor.bytes(cursor.uint16()) };
    case 1:
      return { kind: "contiguous", address: cursor.address() };
    case 2:
      return version === 3 ? readChunks(cursor) : readNewChunks(reader, cursor);
    default:
      throw reader.unsupported(`data layout class ${layoutClass} (virtual data sets are not read)`);
  }
}

function readChunks(cursor: Cursor): Layout {
  // The last "axis" is the size of an element.
  const rank = cursor.uint8() - 1;
  const address = cursor.address();
  const chunk = Array.from({ length: Math.max(0, rank) }, () => cursor.uint32());
  return { kind: "chunked", index: "tree", address, chunk, storedBytes: undefined, filterMask: 0 };
}

function readNewChunks(reader: FileReader, cursor: Cursor): Layout {
  const flags = cursor.uint8();
  const rank = cursor.uint8() - 1;
  const width = cursor.uint8();
  const sizes = Array.from({ length: rank + 1 }, () => cursor.unsigned(Math.min(width, 8)));
  const indexType = cursor.uint8();
  if (indexType !== 1) {
    throw reader.unsupported(
      `chunks with an index of type ${indexType}, as libver="latest" writes; save it with the default library version`,
    );
  }
  const isFiltered = (flags & 2) !== 0;
  const storedBytes = isFiltered ? cursor.length() : undefined;
  const filterMask = isFiltered ? cursor.uint32() : 0;
  const address = cursor.address();
  const chunk = sizes.slice(0, rank);
  return { kind: "chunked", index: "single", address, chunk, storedBytes, filterMask };
}
