import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { concatenate } from "../concatenate.ts";
import { openEventFile } from "./eventFile.node.ts";
import { readEvents } from "./read.ts";
import { maskedCrc32c } from "./recordFile.ts";
import { eventFileStart, imageRecord, scalarsRecord, textRecord } from "./write.ts";

/** CRC-32C bit by bit, apart from the table of the code under test. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const unmasked = (masked: number) => {
  const rotated = (masked - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

/** The contents of the records of a file, checksums verified: the format read a second time. */
function records(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const contents: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    const content = bytes.subarray(at + 12, at + 12 + length);
    expect(view.getUint32(at + 4, true)).toBe(0);
    expect(unmasked(view.getUint32(at + 8, true))).toBe(slowCrc32c(bytes.subarray(at, at + 8)));
    expect(unmasked(view.getUint32(at + 12 + length, true))).toBe(slowCrc32c(content));
    contents.push(content);
    at += 16 + length;
  }
  return contents;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = [];
  for await (const item of items) result.push(item);
  return result;
}

const time = { step: 7, timeMs: 1_700_000_000_500 };
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("hex");

describe("records", () => {
  it("have the known checksum of CRC-32C", () => {
    // RFC 3720, B.4: 32 bytes of zeros.
    expect(unmasked(maskedCrc32c(new Uint8Array(32)))).toBe(0x8a9136aa);
  });

  it("are the bytes that TensorFlow writes", () => {
    const [start] = records(eventFileStart(0));
    expect(Buffer.from(start!).toString("latin1")).toBe("\x1a\x0dbrain.Event:2");
    const [scalar] = records(scalarsRecord(time, { loss: 0.5 }));
    // Made with tf.compat.v1.Event of TensorFlow 2.21: wall_time, step, summary { value { tag, simple_value } }
    expect(hex(scalar)).toBe("0900002040fc54d94110072a0d0a0b0a046c6f7373150000003f");
  });

  it("come back through the reader", async () => {
    const png = Uint8Array.of(0x89, 0x50);
    const file = concatenate([
      eventFileStart(time.timeMs),
      scalarsRecord(time, { "loss/train": 0.25, accuracy: Number.NaN, huge: 1e60 }),
      imageRecord(time, "filters", { bytes: png, width: 2, height: 3, channels: 3 }),
      textRecord(time, "note", "**π**"),
    ]);
    expect(records(file).length).toBe(4);
    const events = await collect(readEvents(bytesSource(file)));
    expect(events.map(({ wallTime }) => wallTime)).toEqual(new Array(4).fill(1_700_000_000.5));
    expect(events[1]?.step).toBe(7n);
    const values = events.slice(1).flatMap(({ what }) => {
      return what.case === "summary" ? what.value.value : [];
    });
    expect(values.map(({ tag, value }) => [tag, value.value])).toMatchObject([
      ["loss/train", 0.25],
      ["accuracy", Number.NaN],
      ["huge", Infinity],
      ["filters", { width: 2, height: 3, colorspace: 3, encodedImageString: png }],
      ["note", { dtype: 7, stringVal: [new TextEncoder().encode("**π**")] }],
    ]);
    expect(values.at(-1)?.metadata?.pluginData?.pluginName).toBe("text");
  });

  it("need a whole step", () => {
    expect(() => scalarsRecord({ step: 0.5, timeMs: 0 }, {})).toThrow(/step 0.5/);
  });
});

describe("reader", () => {
  const read = (bytes: Uint8Array) => collect(readEvents(bytesSource(bytes, "events")));
  const file = concatenate([eventFileStart(0), scalarsRecord(time, { a: 1 })]);

  it("takes a file that is still being written as far as it goes", async () => {
    for (let length = 0; length <= file.length; length++) {
      const whole = length === file.length ? 2 : length >= eventFileStart(0).length ? 1 : 0;
      expect((await read(file.subarray(0, length))).length).toBe(whole);
    }
  });

  it("refuses a changed byte anywhere", async () => {
    for (let i = 0; i < file.length; i++) {
      const changed = file.slice();
      changed[i]! ^= 1;
      await expect(read(changed)).rejects.toThrow(FormatError);
    }
  });

  it("refuses a record of terabytes", async () => {
    const bytes = new Uint8Array(32).fill(0x7f, 4, 6);
    new DataView(bytes.buffer).setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
    await expect(read(bytes)).rejects.toThrow(/at most 67108864/);
  });
});

describe("event file", () => {
  it("is begun anew beside another, and holds records in order", async () => {
    const folder = await mkdtemp(join(tmpdir(), "events-"));
    try {
      const first = await openEventFile(folder, time.timeMs);
      const second = await openEventFile(folder, time.timeMs);
      for (let step = 0; step < 20; step++)
        void first.append(scalarsRecord({ ...time, step }, { a: 1 }));
      await first.close();
      await second.close();
      expect((await readdir(folder)).length).toBe(2);
      const events = await collect(
        readEvents(bytesSource(new Uint8Array(await readFile(first.path)))),
      );
      expect(events.slice(1).map(({ step }) => Number(step))).toEqual([...Array(20).keys()]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
