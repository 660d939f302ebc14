import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { type ByteSource, checkRange } from "../byteSource.ts";
import { Cursor } from "./cursor.ts";
import type { HeapCollection } from "./globalHeap.ts";

/** Pieces of structure read from one file: far more than any model's, far less than two seconds' worth. */
const maxReads = 100_000;
const maxStructureBytes = 2 ** 26;
const blockBytes = 2 ** 15;
const maxBlocks = 64;

/**
 * Reads the structures of an HDF5 file by their addresses, with a budget: a file whose structures
 * point to one another again and again is refused when the budget is spent.
 */
export class FileReader {
  readonly source: ByteSource;
  /** Address 0 of the file; not byte 0 where something stands before the HDF5 file. */
  readonly base: number;
  readonly widths: { readonly offset: number; readonly length: number };
  /** Global heap collections that were taken apart, by their addresses. */
  readonly collections = new Map<number, HeapCollection>();
  readonly #blocks = new Map<number, Uint8Array>();
  #reads = 0;
  #bytes = 0;

  constructor(
    source: ByteSource,
    base: number,
    widths: { readonly offset: number; readonly length: number },
  ) {
    this.source = source;
    this.base = base;
    this.widths = widths;
  }

  /** A reader of the same file with a new budget. */
  renewed(): FileReader {
    return new FileReader(this.source, this.base, this.widths);
  }

  /** A cursor over `length` bytes of structure at an address. */
  async at(address: number, length: number, what: string): Promise<Cursor> {
    const offset = this.base + address;
    checkRange(this.source, offset, length);
    this.spend(length);
    return this.cursor(await this.#cached(offset, length), `${what} at byte ${offset}`);
  }

  /** A cursor over up to `length` bytes, fewer where the file ends. */
  async upTo(address: number, length: number, what: string): Promise<Cursor> {
    const left = this.source.sizeBytes - this.base - address;
    return this.at(address, Math.max(0, Math.min(length, left)), what);
  }

  cursor(bytes: Uint8Array, what: string): Cursor {
    return new Cursor(bytes, this.widths, `${this.source.name}: ${what}`);
  }

  /** Takes work from the budget. */
  spend(bytes: number): void {
    this.#reads++;
    this.#bytes += bytes;
    if (this.#reads > maxReads || this.#bytes > maxStructureBytes) {
      throw new FormatError(
        `${this.source.name}: more than ${maxReads} structures or ${maxStructureBytes} bytes of them; at most that many are read.`,
      );
    }
  }

  unsupported(what: string): UnsupportedError {
    return new UnsupportedError(`${this.source.name}: ${what}.`);
  }

  /** Structures are small and near one another, so whole blocks are read and the last ones kept. */
  async #cached(offset: number, length: number): Promise<Uint8Array> {
    const first = Math.floor(offset / blockBytes);
    if (offset + length > (first + 1) * blockBytes) return this.source.read(offset, length);
    let block = this.#blocks.get(first);
    if (block === undefined) {
      const start = first * blockBytes;
      block = await this.source.read(start, Math.min(blockBytes, this.source.sizeBytes - start));
      const oldest = this.#blocks.keys().next();
      if (this.#blocks.size >= maxBlocks && !oldest.done) this.#blocks.delete(oldest.value);
      this.#blocks.set(first, block);
    }
    const start = offset - first * blockBytes;
    return block.subarray(start, start + length);
  }
}
