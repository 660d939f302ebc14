import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";
import { encodedWidth } from "./recordTree.ts";

/**
 * A heap whose blocks double in size from row to row, where the newer form of groups keeps links and
 * attributes.
 *
 * Source: HDF5 File Format Specification 3.0, III.G.
 */
export class FractalHeap {
  readonly #reader: FileReader;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;
  readonly #width: number;
  readonly #startBytes: number;
  readonly #directRows: number;
  readonly #root: number;
  readonly #rootRows: number;

  private constructor(reader: FileReader, header: Cursor) {
    const { offset, length } = reader.widths;
    this.#reader = reader;
    header.expect("FRHP");
    header.skip(3);
    const filterBytes = header.uint16();
    header.skip(1);
    const maxObjectBytes = header.uint32();
    header.skip(10 * length + 2 * offset);
    this.#width = header.uint16();
    this.#startBytes = header.length();
    const maxDirectBytes = header.length();
    const maxBits = header.uint16();
    header.skip(2);
    const root = header.address();
    this.#rootRows = header.uint16();
    if (filterBytes > 0) throw reader.unsupported("a compressed heap of links or attributes");
    const isSane =
      isPowerOfTwo(this.#startBytes) &&
      isPowerOfTwo(maxDirectBytes) &&
      maxDirectBytes >= this.#startBytes &&
      maxDirectBytes <= 2 ** 32 &&
      this.#width > 0 &&
      maxBits <= 64;
    if (root === undefined || !isSane) throw header.fault("a heap of impossible sizes");
    this.#root = root;
    this.#directRows = Math.log2(maxDirectBytes) - Math.log2(this.#startBytes) + 2;
    this.#offsetBytes = Math.ceil(maxBits / 8);
    this.#lengthBytes = Math.min(
      Math.ceil(Math.log2(maxDirectBytes) / 8),
      encodedWidth(maxObjectBytes),
    );
  }

  static async open(reader: FileReader, address: number): Promise<FractalHeap> {
    const { offset, length } = reader.widths;
    const headerBytes = 22 + 12 * length + 3 * offset;
    return new FractalHeap(reader, await reader.at(address, headerBytes, "fractal heap"));
  }

  /** The object with this heap ID. */
  async object(id: Cursor): Promise<Cursor> {
    const kind = id.uint8() >> 4;
    if (kind !== 0) throw this.#reader.unsupported("a link or attribute outside the heap's blocks");
    const offset = id.unsigned(this.#offsetBytes);
    const length = id.unsigned(this.#lengthBytes);
    const place = await this.#locate(offset);
    return this.#reader.at(place, length, "object of a heap");
  }

  /** The address of an offset in the heap: down through tables to the block that holds it. */
  async #locate(offset: number): Promise<number> {
    let address = this.#root;
    let rows = this.#rootRows;
    let rest = offset;
    while (rows > 0) {
      const row = this.#rowOf(rest);
      const blockBytes = this.#blockBytes(row);
      const column = Math.floor((rest - this.#rowOffset(row)) / blockBytes);
      rest -= this.#rowOffset(row) + column * blockBytes;
      const { offset: addressBytes } = this.#reader.widths;
      const headerBytes = 5 + addressBytes + this.#offsetBytes;
      const table = await this.#reader.at(address, headerBytes, "table of a heap");
      table.expect("FHIB");
      if (row >= rows) throw table.fault(`row ${row} of a table of ${rows}`);
      const entry = address + headerBytes + (row * this.#width + column) * addressBytes;
      const child = (await this.#reader.at(entry, addressBytes, "table of a heap")).address();
      if (child === undefined) throw table.fault("an object in a block that does not exist");
      address = child;
      const isDirect = row < this.#directRows;
      rows = isDirect ? 0 : Math.log2(blockBytes / this.#startBytes / this.#width) + 1;
    }
    return address + rest;
  }

  #rowOf(offset: number): number {
    const first = this.#startBytes * this.#width;
    return offset < first ? 0 : Math.floor(Math.log2(offset / first)) + 1;
  }

  #rowOffset(row: number): number {
    return row === 0 ? 0 : this.#startBytes * this.#width * 2 ** (row - 1);
  }

  #blockBytes(row: number): number {
    return row === 0 ? this.#startBytes : this.#startBytes * 2 ** (row - 1);
  }
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}
