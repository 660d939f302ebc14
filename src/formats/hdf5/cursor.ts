import { FormatError } from "../../core/errors.ts";

/** Numbers and texts one after another from a piece of an HDF5 file, never beyond its end. */
export class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;
  position = 0;

  /**
   * @param widths how many bytes the file uses for an address and for a length
   * @param where names the file and the part of it in messages
   */
  constructor(bytes: Uint8Array, widths: { offset: number; length: number }, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
    this.#offsetBytes = widths.offset;
    this.#lengthBytes = widths.length;
  }

  get left(): number {
    return this.#bytes.length - this.position;
  }

  uint8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true));
  }

  /** A little-endian number of any width up to eight bytes. */
  unsigned(width: number): number {
    const start = this.#take(width);
    let value = 0;
    for (let i = width - 1; i >= 0; i--) value = value * 256 + this.#bytes[start + i]!;
    return value;
  }

  /** A size or a count. */
  length(): number {
    return this.unsigned(this.#lengthBytes);
  }

  /** A place in the file, or `undefined` for "nowhere" (all bits set). */
  address(): number | undefined {
    const start = this.position;
    const value = this.unsigned(this.#offsetBytes);
    for (let i = start; i < this.position; i++) if (this.#bytes[i] !== 0xff) return value;
    return undefined;
  }

  bytes(count: number): Uint8Array {
    const start = this.#take(count);
    return this.#bytes.subarray(start, start + count);
  }

  /** A part of what is left, as a cursor of its own. */
  part(count: number): Cursor {
    const widths = { offset: this.#offsetBytes, length: this.#lengthBytes };
    return new Cursor(this.bytes(count), widths, this.#where);
  }

  skip(count: number): void {
    this.#take(count);
  }

  /** Moves to the next multiple of `step` from the start. */
  align(step: number): void {
    this.#take((step - (this.position % step)) % step);
  }

  /** Checks the four letters that begin a structure. */
  expect(signature: string): void {
    const found = String.fromCharCode(...this.bytes(4));
    if (found !== signature) {
      throw this.fault(`expected "${signature}", found ${JSON.stringify(found)}`);
    }
  }

  fault(what: string): FormatError {
    return new FormatError(`${this.#where}: ${what}; the file is damaged.`);
  }

  #take(count: number): number {
    const start = this.position;
    if (!(count >= 0 && count <= this.left)) {
      throw this.fault(`${count} bytes are needed where ${this.left} are left`);
    }
    this.position += count;
    return start;
  }
}
