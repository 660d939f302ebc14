import type { RandomStream } from "../../../src/core/random.ts";

/** Numbers that break arithmetic: limits of every width, their neighbours, powers of two. */
const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/**
 * A copy of `bytes` with one to eight changes: flipped bits, random bytes, numbers at the edge of what
 * fits, stretches deleted, repeated, moved or taken from `other`, a cut at the end.
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: RandomStream): Uint8Array {
  let result: Uint8Array = bytes.slice();
  const changes = 1 + random.integer(random.integer(4) === 0 ? 8 : 3);
  for (let i = 0; i < changes; i++) result = changed(result, other, random);
  return result;
}

function changed(bytes: Uint8Array, other: Uint8Array, random: RandomStream): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(random.integer(256));
  // Headers are at the beginning or the end, so half of the changes are there.
  const zone = random.integer(4);
  const near = Math.min(bytes.length, 256);
  const at =
    zone === 0
      ? random.integer(near)
      : zone === 1
        ? bytes.length - 1 - random.integer(near)
        : random.integer(bytes.length);
  const length = 1 + random.integer(Math.min(bytes.length - at, 1 + random.integer(64)));
  switch (random.integer(9)) {
    case 0:
      bytes[at]! ^= 1 << random.integer(8);
      return bytes;
    case 1:
      bytes[at] = random.integer(256);
      return bytes;
    case 2:
      return withNumber(bytes, at, edges[random.integer(edges.length)]!, random);
    case 3:
      return withNumber(bytes, at, random.integer(2 ** 31), random);
    case 4:
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case 5:
      return join(bytes.subarray(0, at + length), bytes.subarray(at));
    case 6: {
      const from = random.integer(bytes.length);
      return join(bytes.subarray(0, at), bytes.slice(from, from + length), bytes.subarray(at));
    }
    case 7: {
      const from = random.integer(Math.max(1, other.length));
      return join(bytes.subarray(0, at), other.subarray(from, from + length), bytes.subarray(at));
    }
    default:
      return random.integer(4) === 0 ? bytes.slice(0, at) : withDigits(bytes, at, random);
  }
}

/** Writes a number of 1, 2, 4 or 8 bytes over what is there, in either byte order. */
function withNumber(
  bytes: Uint8Array,
  at: number,
  value: number,
  random: RandomStream,
): Uint8Array {
  const width = 1 << random.integer(4);
  const isBig = random.integer(4) === 0;
  for (let i = 0; i < width && at + i < bytes.length; i++) {
    const shift = isBig ? width - 1 - i : i;
    bytes[at + i] = shift < 4 ? (value >>> (8 * shift)) & 255 : value === 0xffffffff ? 255 : 0;
  }
  return bytes;
}

/** Puts a number in words where the format is text. */
function withDigits(bytes: Uint8Array, at: number, random: RandomStream): Uint8Array {
  const words = [
    "-1",
    "1e999",
    "99999999999999999999",
    "null",
    "{}",
    "[",
    '"',
    "0.5",
    "true",
    "__proto__",
  ];
  const word = new TextEncoder().encode(words[random.integer(words.length)]);
  return join(bytes.subarray(0, at), word, bytes.subarray(at + random.integer(4)));
}

function join(...parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let position = 0;
  for (const part of parts) {
    result.set(part, position);
    position += part.length;
  }
  return result;
}
