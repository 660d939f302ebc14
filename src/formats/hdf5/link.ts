import { decodeText } from "./attribute.ts";
import type { Cursor } from "./cursor.ts";

/** A member of a group; `order` is its place in time where the group keeps that, or 0. */
export interface Link {
  readonly name: string;
  readonly address: number;
  readonly order: number;
}

/**
 * A link message: a member of a group in the newer form. Soft and external links, which lead to
 * other places by name, give `undefined`: no other file is ever opened.
 */
export function readLink(cursor: Cursor): Link | undefined {
  const version = cursor.uint8();
  if (version !== 1) throw cursor.fault(`link version ${version}, expected 1`);
  const flags = cursor.uint8();
  const linkType = flags & 8 ? cursor.uint8() : 0;
  const order = flags & 4 ? cursor.uint64() : 0;
  if (flags & 16) cursor.skip(1);
  const nameBytes = cursor.unsigned(1 << (flags & 3));
  const name = decodeText(cursor.bytes(nameBytes));
  if (linkType !== 0) return undefined;
  const address = cursor.address();
  return address === undefined ? undefined : { name, address, order };
}
