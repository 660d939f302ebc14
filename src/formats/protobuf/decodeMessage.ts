import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { FormatError } from "../../core/errors.ts";

/** Limits on a protobuf file before it is decoded. */
export interface MessageLimits {
  /** Messages, list elements and unknown fields in all; default 300,000. */
  readonly maxItems?: number;
  /** Messages inside one another; default 64. */
  readonly maxDepth?: number;
}

/**
 * Decodes a protobuf message from bytes that may be hostile.
 *
 * A message of two bytes becomes an object of a hundred and more, so one pass over the tags, guided
 * by the schema, bounds depth and number of items before the library builds anything. The same pass
 * checks that every message ends inside the one around it and that wire types are those of the
 * schema, which the library takes on trust. `bytes` fields of the result are views of `bytes`.
 *
 * @param where names the file in messages
 */
export function decodeMessage<Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  where: string,
  limits: MessageLimits = {},
): MessageShape<Desc> {
  const { maxItems = 300_000, maxDepth = 64 } = limits;
  const reader = new BinaryReader(bytes);
  try {
    scanMessage(schema, reader, bytes.length, { items: 0, maxItems, maxDepth }, 1);
    return fromBinary(schema, bytes, { readUnknownFields: false });
  } catch (error) {
    if (error instanceof LimitError) throw new FormatError(`${where}: ${error.message}`);
    // The library throws plain errors, all of which mean that these bytes are no such message.
    throw new FormatError(
      `${where}: not a valid ${schema.typeName} message near byte ${Math.min(reader.pos, bytes.length)} of ${bytes.length}: ${(error as Error).message}.`,
      { cause: error },
    );
  }
}

class LimitError extends Error {}

interface ScanState {
  items: number;
  readonly maxItems: number;
  readonly maxDepth: number;
}

function scanMessage(
  schema: DescMessage,
  reader: BinaryReader,
  end: number,
  state: ScanState,
  depth: number,
): void {
  if (depth > state.maxDepth) {
    throw new LimitError(
      `${schema.typeName} messages nested deeper than ${state.maxDepth} levels at byte ${reader.pos}; no such file needs that.`,
    );
  }
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    count(state, 1, reader);
    const field = schema.fields.find((candidate) => candidate.number === number);
    if (field === undefined || wireType !== WireType.LengthDelimited) {
      if (field !== undefined && wireType !== elementWireType(field)) {
        throw new Error(
          `${field.name} has wire type ${wireType}, expected ${elementWireType(field)}`,
        );
      }
      reader.skip(wireType, number, state.maxDepth);
    } else {
      const length = reader.uint32();
      if (length > end - reader.pos) {
        throw new Error(`${field.name} claims ${length} bytes where ${end - reader.pos} are left`);
      }
      scanPayload(field, reader, reader.pos + length, state, depth);
    }
    if (reader.pos > end) throw new Error(`field ${number} runs over the end of its message`);
  }
}

/** Goes over the content of a length-delimited field, and leaves the reader behind it. */
function scanPayload(
  field: DescField,
  reader: BinaryReader,
  end: number,
  state: ScanState,
  depth: number,
): void {
  const wireType = elementWireType(field);
  if (field.message !== undefined) {
    scanMessage(field.message, reader, end, state, depth + 1);
  } else if (wireType === WireType.LengthDelimited) {
    reader.pos = end;
  } else if (field.fieldKind === "list") {
    while (reader.pos < end) {
      reader.skip(wireType, field.number);
      count(state, 1, reader);
    }
    if (reader.pos !== end) throw new Error(`${field.name} ends inside a packed element`);
  } else {
    throw new Error(
      `${field.name} has wire type ${WireType.LengthDelimited}, expected ${wireType}`,
    );
  }
}

function count(state: ScanState, items: number, reader: BinaryReader): void {
  state.items += items;
  if (state.items > state.maxItems) {
    throw new LimitError(
      `more than ${state.maxItems} messages and list elements by byte ${reader.pos}; at most that many are read.`,
    );
  }
}

/** How one value of a field is encoded when it is not packed with others. */
function elementWireType(field: DescField): WireType {
  if (field.enum !== undefined) return WireType.Varint;
  switch (field.scalar) {
    case undefined:
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    default:
      return WireType.Varint;
  }
}
