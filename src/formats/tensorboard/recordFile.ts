import { crcTable } from "../zip/crc32.ts";

/** Reflected Castagnoli polynomial. */
const castagnoli = 0x82f63b78;

/**
 * A record of a TFRecord file: length, masked checksum of the length, content, masked checksum of the
 * content, all little-endian. The mask, `rotate(crc, 15) + 0xa282ead8`, keeps checksums of data that
 * holds checksums apart.
 *
 * Source: `tensorflow/core/lib/io/record_writer.h`, `tensorflow/core/lib/hash/crc32c.h`.
 */
export function tfRecord(content: Uint8Array): Uint8Array {
  const record = new Uint8Array(content.length + 16);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(content.length), true);
  view.setUint32(8, maskedCrc32c(record.subarray(0, 8)), true);
  record.set(content, 12);
  view.setUint32(12 + content.length, maskedCrc32c(content), true);
  return record;
}

export function maskedCrc32c(bytes: Uint8Array): number {
  const table = crcTable(castagnoli);
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) {
    crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
  }
  crc = ~crc;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
