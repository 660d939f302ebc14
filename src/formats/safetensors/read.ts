import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import { type ByteSource, checkRange } from "../byteSource.ts";
import type { ElementType } from "../elementType.ts";
import {
  checkStoredShape,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from "../tensorFile.ts";
import { elementTypeOfTag } from "./elementTags.ts";

/**
 * Longest header that is read. The format allows 100 MB; a net of 10,000 tensors needs 1 MB, and
 * parsed JSON takes many times the memory of its text.
 */
export const maxHeaderBytes = 2 ** 24;

/**
 * Opens a safetensors file: reads the header, leaves the tensors in the file until they are asked
 * for.
 *
 * The header must describe the rest of the file exactly: tensors side by side, no overlap, no gap,
 * nothing left over, sizes that follow from dtype and shape. Anything else throws a
 * {@link FormatError} that names the tensor.
 *
 * Source: the format description of `safetensors` 0.4 and the checks of its reference reader.
 *
 * @example
 * const file = await readSafetensors(bytesSource(bytes, "model.safetensors"));
 * const weight = await file.tensors.get("conv1.weight")?.read();
 */
export async function readSafetensors(source: ByteSource): Promise<TensorFile> {
  if (source.sizeBytes < 10) {
    throw new FormatError(
      `${source.name}: ${source.sizeBytes} bytes; a safetensors file has at least 10 (header length and {}).`,
    );
  }
  const prefix = await source.read(0, 8);
  const headerBytes = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes) {
    throw new FormatError(
      `${source.name}: the header claims ${headerBytes} bytes; at most ${maxHeaderBytes} are read. It is no safetensors file, or a damaged one.`,
    );
  }
  checkRange(source, 8, headerBytes);
  const text = await source.read(8, headerBytes);
  if (text[0] !== 0x7b) {
    throw new FormatError(`${source.name}: byte 8 is ${text[0]}; a header begins with "{" (123).`);
  }
  const header = parseBoundedJson(text, `${source.name}: header`, { maxDepth: 3 });
  const dataStart = 8 + headerBytes;
  const dataBytes = source.sizeBytes - dataStart;

  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header as object)) {
    if (name === "__metadata__") metadata = checkMetadata(value, source.name);
    else entries.push(checkEntry(name, value, source.name));
  }

  const tensors = new Map<string, StoredTensor>();
  for (const { name, shape, elementType, start, end } of checkLayout(
    entries,
    dataBytes,
    source.name,
  )) {
    const where = `${source.name}: tensor "${name}"`;
    const readBytes = () => source.read(dataStart + start, end - start);
    tensors.set(name, storedTensor(shape, elementType, where, readBytes));
  }
  return { tensors, metadata };
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elementType: ElementType;
  readonly start: number;
  readonly end: number;
}

function checkMetadata(value: unknown, file: string): Record<string, string> {
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isTable || !Object.values(value).every((text) => typeof text === "string")) {
    throw new FormatError(`${file}: "__metadata__" is not a table of strings.`);
  }
  return value as Record<string, string>;
}

function checkEntry(name: string, value: unknown, file: string): Entry {
  const where = `${file}: tensor "${name}"`;
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  if (typeof dtype !== "string" || !isNumbers(shape) || !isNumbers(offsets)) {
    throw new FormatError(
      `${where}: expected {"dtype": text, "shape": numbers, "data_offsets": [begin, end]}, got ${JSON.stringify(value).slice(0, 100)}.`,
    );
  }
  const elementType = elementTypeOfTag(dtype);
  if (elementType === undefined) {
    throw new UnsupportedError(`${where}: dtype "${dtype}" is not supported.`);
  }
  const expected = checkStoredShape(shape, elementType, where);
  const [start, end] = offsets;
  const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
  if (offsets.length !== 2 || start === undefined || end === undefined || !whole || start < 0) {
    throw new FormatError(`${where}: data_offsets ${JSON.stringify(offsets)} are not a range.`);
  }
  if (end - start !== expected) {
    throw new FormatError(
      `${where}: ${dtype} ${JSON.stringify(shape)} takes ${expected} bytes; data_offsets [${start}, ${end}] span ${end - start}.`,
    );
  }
  return { name, shape, elementType, start, end };
}

/** The entries in the order of the file, which must tile its data from first byte to last. */
function checkLayout(entries: readonly Entry[], dataBytes: number, file: string): Entry[] {
  const ordered = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  let position = 0;
  for (const { name, start, end } of ordered) {
    if (start !== position) {
      const fault = start < position ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new FormatError(
        `${file}: tensor "${name}" ${fault}: it begins at byte ${start} of the data, expected ${position}.`,
      );
    }
    position = end;
  }
  if (position !== dataBytes) {
    throw new FormatError(
      `${file}: the tensors take ${position} bytes, the file holds ${dataBytes}; it is ${position > dataBytes ? "truncated" : "longer than its header says"}.`,
    );
  }
  return ordered;
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}
