import type { Cursor } from "./cursor.ts";
import type { FileReader } from "./fileReader.ts";

/** Kinds of messages in an object header that are read. */
export const messageTypes = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  externalFiles: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  continuation: 0x10,
  symbolTable: 0x11,
  attributeInfo: 0x15,
} as const;

/** A message of an object header. */
export interface HeaderMessage {
  readonly type: number;
  /** The content is elsewhere (a committed datatype). */
  readonly isShared: boolean;
  readonly content: Cursor;
}

/** All messages of the object at an address, those of continuation blocks included. */
export async function readObjectHeader(
  reader: FileReader,
  address: number,
): Promise<HeaderMessage[]> {
  const start = await reader.upTo(address, 16, "object header");
  const isNew = start.left >= 4 && start.uint8() === 0x4f;
  const messages: HeaderMessage[] = [];
  const pending: (() => Promise<void>)[] = [];
  const take: Take = (cursor, headerBytes, readMessage) => {
    // What is too short for another message is a gap.
    while (cursor.left >= headerBytes) {
      const message = readMessage(cursor);
      if (message.type !== messageTypes.continuation) {
        messages.push(message);
        continue;
      }
      const block = message.content.address();
      const length = message.content.length();
      pending.push(async () => {
        if (block === undefined) throw message.content.fault("a continuation nowhere");
        const more = await reader.at(block, length, "object header continuation");
        if (isNew) more.expect("OCHK");
        // A new block ends in a checksum of four bytes.
        take(isNew ? more.part(more.left - 4) : more, headerBytes, readMessage);
      });
    }
  };
  if (isNew) await readNew(reader, address, take);
  else await readOld(reader, address, take);
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) await next();
  return messages;
}

type Take = (
  cursor: Cursor,
  headerBytes: number,
  readMessage: (cursor: Cursor) => HeaderMessage,
) => void;

async function readOld(reader: FileReader, address: number, take: Take): Promise<void> {
  const start = await reader.at(address, 16, "object header");
  const version = start.uint8();
  if (version !== 1) throw start.fault(`object header version ${version}, expected 1 or 2`);
  start.skip(7);
  const size = start.uint32();
  const block = await reader.at(address + 16, size, "object header");
  take(block, 8, (cursor) => {
    const type = cursor.uint16();
    const length = cursor.uint16();
    const flags = cursor.uint8();
    cursor.skip(3);
    return { type, isShared: (flags & 2) !== 0, content: cursor.part(length) };
  });
}

async function readNew(reader: FileReader, address: number, take: Take): Promise<void> {
  const start = await reader.upTo(address, 40, "object header");
  start.expect("OHDR");
  const version = start.uint8();
  if (version !== 2) throw start.fault(`object header version ${version}, expected 1 or 2`);
  const flags = start.uint8();
  if (flags & 0x20) start.skip(16);
  if (flags & 0x10) start.skip(4);
  const size = start.unsigned(1 << (flags & 3));
  const block = await reader.at(address + start.position, size, "object header");
  take(block, flags & 4 ? 6 : 4, (cursor) => {
    const type = cursor.uint8();
    const length = cursor.uint16();
    const messageFlags = cursor.uint8();
    if (flags & 4) cursor.skip(2);
    return { type, isShared: (messageFlags & 2) !== 0, content: cursor.part(length) };
  });
}
