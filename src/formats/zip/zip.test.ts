import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { inflateExactly } from "./inflate.ts";
import { openZip, type ZipArchive } from "./read.ts";
import { writeZip } from "./write.ts";

const text = (content: string) => new TextEncoder().encode(content);
const files = new Map([
  ["a.txt", text("stored or deflated ".repeat(50))],
  ["b/c.bin", Uint8Array.of(1, 2, 3)],
  ["empty", new Uint8Array()],
]);
const open = (bytes: Uint8Array) => openZip(bytesSource(bytes, "a.zip"));
const entry = (archive: ZipArchive, name: string) => archive.entries.get(name)!;

/** Byte positions of the directory entries (PK 1 2). */
function directoryEntries(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: number[] = [];
  for (let i = 0; i + 4 <= bytes.length; i++) {
    if (view.getUint32(i, true) === 0x02014b50) places.push(i);
  }
  return places;
}

/** The archive with one field of its first directory entry replaced. */
function patched(field: number, value: number, width: 2 | 4 = 4): Uint8Array {
  const bytes = writeZip(files, { compress: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const place = directoryEntries(bytes)[0]! + field;
  if (width === 2) view.setUint16(place, value, true);
  else view.setUint32(place, value, true);
  return bytes;
}

describe("zip", () => {
  it.each([true, false])("comes back as it was written, compressed: %s", async (compress) => {
    const archive = await open(writeZip(files, { compress }));
    expect([...archive.entries.keys()]).toEqual([...files.keys()]);
    for (const [name, content] of files) {
      expect(await archive.read(entry(archive, name))).toEqual(content);
      const source = await archive.open(entry(archive, name));
      expect(await source.read(0, source.sizeBytes)).toEqual(content);
    }
  });

  it("gives equal bytes for equal content", () => {
    expect(writeZip(files)).toEqual(writeZip(new Map(files)));
  });

  it("is found before a comment", async () => {
    const bytes = zipSync({ a: [text("x"), { comment: "c" }] });
    const end = new Uint8Array(bytes.length + 3);
    end.set(bytes);
    new DataView(end.buffer).setUint16(bytes.length - 2, 3, true);
    expect((await open(end)).entries.size).toBe(1);
  });

  it("is refused at every truncation", async () => {
    const bytes = writeZip(files, { compress: true });
    for (let length = 0; length < bytes.length; length++) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
  });

  const faults: [string, Uint8Array, RegExp][] = [
    ["no archive", text("hello"), /no end of a zip archive/],
    ["absurd size", patched(24, 0xfffffffe), /claims 4294967294 bytes from/],
    ["compressed size beyond the file", patched(20, 1e6), /truncated or damaged/],
    ["header beyond the file", patched(42, 1e6), /truncated or damaged/],
    ["name longer than the directory", patched(28, 60000, 2), /runs over the end/],
  ];
  it.each(faults)("refuses %s", async (_, bytes, message) => {
    await expect(open(bytes)).rejects.toThrow(message);
  });

  it("refuses what it does not support", async () => {
    await expect(open(patched(8, 1, 2))).rejects.toThrow(UnsupportedError);
    await expect(open(patched(10, 12, 2))).rejects.toThrow(/method 12/);
  });

  it("notices wrong sizes and checksums when a file is read", async () => {
    const wrong: [Uint8Array, RegExp][] = [
      [patched(16, 1), /checksum is wrong/],
      [patched(24, 10), /unpacks to more than the 10 bytes/],
      [patched(24, 5000), /unpacks to 950 bytes; 5000 were claimed/],
    ];
    for (const [bytes, message] of wrong) {
      const archive = await open(bytes);
      await expect(archive.read(entry(archive, "a.txt"))).rejects.toThrow(message);
    }
  });

  it("refuses two directory entries for the same bytes", async () => {
    const bytes = writeZip(
      new Map([
        ["a", text("1")],
        ["b", text("2")],
      ]),
    );
    const [first, second] = directoryEntries(bytes) as [number, number];
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    view.setUint32(second + 42, view.getUint32(first + 42, true), true);
    await expect(open(bytes)).rejects.toThrow(/"b" overlaps the one before it/);
    bytes[second + 46] = 0x61;
    await expect(open(bytes)).rejects.toThrow(/"a" occurs twice/);
  });

  it("refuses content far larger than the archive before inflating any", async () => {
    const bomb = zipSync({ zeros: new Uint8Array(140_000_000) }, { level: 1 });
    expect(bomb.length).toBeLessThan(2_000_000);
    await expect(open(bomb)).rejects.toThrow(/unpack to 140000000/);
    const source = bytesSource(bomb, "a.zip");
    const archive = await openZip(source, { maxExpansionBytes: 2e8 });
    expect((await archive.read(entry(archive, "zeros"))).length).toBe(140_000_000);
  });
});

describe("inflate", () => {
  it("refuses data that is no deflate stream", () => {
    expect(() => inflateExactly(new Uint8Array(9).fill(0xff), 9, "x")).toThrow(
      /x: not valid deflate data/,
    );
  });
  it("refuses a stream that ends early", () => {
    expect(() => inflateExactly(new Uint8Array(), 4, "x")).toThrow(/unpacks to 0 bytes; 4/);
  });
});
