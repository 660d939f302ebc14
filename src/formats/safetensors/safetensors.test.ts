import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { blobSource, bytesSource } from "../byteSource.ts";
import type { ElementType } from "../elementType.ts";
import { readTensors } from "../tensorFile.ts";
import { readSafetensors } from "./read.ts";
import { writeSafetensors } from "./write.ts";

/** A file with this header text and this many data bytes. */
function file(header: string | object, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(
    typeof header === "string" ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  return bytes;
}

const tensorData = (values: number[]) =>
  values.every(Number.isInteger) ? Int32Array.from(values) : Float32Array.from(values);

const open = (bytes: Uint8Array) => readSafetensors(bytesSource(bytes, "a.safetensors"));

describe("round trip", () => {
  it("keeps names, shapes, numbers, order and metadata", async () => {
    const tensors = {
      "b.weight": { shape: [2, 1, 2], data: Float32Array.of(1.5, -0, Number.NaN, 3e38) },
      a: { shape: [], data: Int32Array.of(-7) },
      empty: { shape: [0, 3], data: new Float32Array(0) },
    };
    const bytes = writeSafetensors(tensors, { format: "pt" });
    expect((bytes.length - 12 - 16) % 8).toBe(0);
    const read = await open(bytes);
    expect(read.metadata).toEqual({ format: "pt" });
    expect([...read.tensors.keys()]).toEqual(["b.weight", "a", "empty"]);
    const loaded = Object.fromEntries(await readTensors(read));
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      expect(loaded[name]).toEqual({
        shape,
        data,
        dtype: data instanceof Int32Array ? "int32" : "float32",
      });
    }
    const again = new Map(
      [...read.tensors].map(([name, tensor]) => [
        name,
        { shape: tensor.shape, data: loaded[name]!.data, elementType: tensor.elementType },
      ]),
    );
    expect(writeSafetensors(again, read.metadata)).toEqual(bytes);
  });

  const stored: [ElementType, number[]][] = [
    ["float64", [0.5, -2]],
    ["float16", [65504, -(2 ** -24)]],
    ["bfloat16", [1.0078125, -3]],
    ["int64", [-1, 2 ** 31 - 1]],
    ["int16", [-32768, 32767]],
    ["int8", [-128, 127]],
    ["uint64", [0, 5]],
    ["uint32", [0, 2 ** 31 - 1]],
    ["uint16", [0, 65535]],
    ["uint8", [0, 255]],
    ["bool", [1, 0]],
  ];
  it.each(stored)("stores %s", async (elementType, values) => {
    const bytes = writeSafetensors({
      x: { shape: [2], data: tensorData(values), elementType },
    });
    const tensor = (await open(bytes)).tensors.get("x")!;
    expect(tensor.elementType).toBe(elementType);
    expect([...(await tensor.read())]).toEqual(values);
  });

  it("reads from a Blob, and a change to one reading leaves the next as the file has it", async () => {
    const bytes = writeSafetensors({ x: { shape: [1], data: Float32Array.of(4) } });
    for (const source of [blobSource(new Blob([bytes.slice()])), bytesSource(bytes)]) {
      const tensor = (await readSafetensors(source)).tensors.get("x")!;
      (await tensor.read())[0] = 5;
      expect([...(await tensor.read())]).toEqual([4]);
    }
  });

  it("treats __proto__ as a name like any other", async () => {
    const bytes = writeSafetensors(
      new Map([["__proto__", { shape: [1], data: Float32Array.of(1) }]]),
    );
    expect([...(await open(bytes)).tensors.keys()]).toEqual(["__proto__"]);
  });
});

describe("hostile files", () => {
  const f32 = (shape: number[], start: number, end: number) => ({
    dtype: "F32",
    shape,
    data_offsets: [start, end],
  });
  const cases: [string, Uint8Array, RegExp][] = [
    ["too short", new Uint8Array(9), /9 bytes/],
    ["header bomb", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 123, 125), /claims/],
    ["header longer than the file", Uint8Array.of(200, 0, 0, 0, 0, 0, 0, 0, 123, 125), /outside/],
    ["not JSON", file("{]"), /not valid JSON/],
    ["not an object", file("[]"), /byte 8/],
    ["deep nesting", file(`{"a":${"[".repeat(100_000)}`), /deeper than 3/],
    ["a million keys", file(`{${'"":1,'.repeat(1_000_001)}}`), /more than 1000000/],
    ["key twice", file('{"a":{},"a":{}}'), /each key may occur once/],
    ["invalid UTF-8", file(new Array(3).fill("{").join("")).fill(0xff, 9), /JSON/],
    ["tensor beyond the file", file({ a: f32([4], 0, 16) }, 8), /truncated/],
    ["bytes left over", file({ a: f32([1], 0, 4) }, 8), /longer than/],
    ["overlap", file({ a: f32([2], 0, 8), b: f32([1], 4, 8) }, 8), /"b" overlaps/],
    ["gap", file({ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12), /"b" leaves a gap/],
    ["shape and range differ", file({ a: f32([3], 0, 8) }, 8), /takes 12 bytes/],
    ["negative size", file({ a: f32([-1], 0, 0) }), /size of -1/],
    ["absurd shape", file({ a: f32([2 ** 39, 0], 0, 0) }), /size of 549755813888/],
    ["absurd product", file({ a: f32([2 ** 30, 2 ** 30], 0, 0) }), /elements; at most/],
    ["absurd rank", file({ a: f32(new Array(65).fill(1), 0, 4) }, 4), /65 axes/],
    ["fractional offset", file({ a: f32([1], 0.5, 4.5) }, 5), /not a range/],
    ["no range", file({ a: { dtype: "F32", shape: [] } }), /expected/],
    ["null entry", file({ a: null }), /expected/],
    ["metadata not text", file({ __metadata__: { a: 1 } }), /table of strings/],
  ];
  it.each(cases)("%s", async (_, bytes, message) => {
    const failure = await open(bytes).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(FormatError);
    expect((failure as Error).message).toMatch(message);
  });

  it("refuses a dtype it does not know", async () => {
    const bytes = file({ a: { dtype: "F4", shape: [2], data_offsets: [0, 1] } }, 1);
    await expect(open(bytes)).rejects.toThrow(UnsupportedError);
  });

  it("refuses an int64 that int32 cannot hold, when read", async () => {
    const bytes = file({ a: { dtype: "I64", shape: [1], data_offsets: [0, 8] } }, 8).fill(127, -8);
    const { tensors } = await open(bytes);
    await expect(tensors.get("a")!.read()).rejects.toThrow(/element 0 is 9187201950435737471/);
  });

  it("refuses every truncation of a good file", async () => {
    const bytes = writeSafetensors({ x: { shape: [3], data: Float32Array.of(1, 2, 3) } });
    for (let length = 0; length < bytes.length; length++) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
  });
});

describe("writer", () => {
  it("refuses data that does not fill its shape", () => {
    expect(() => writeSafetensors({ x: { shape: [2], data: new Float32Array(3) } })).toThrow(
      /tensor "x": 3 numbers given; shape \[2\] expects 2/,
    );
  });
  it("refuses numbers the element type cannot hold", () => {
    const x = { shape: [1], data: Float32Array.of(0.5), elementType: "int64" as const };
    expect(() => writeSafetensors({ x })).toThrow(/element 0 is 0.5/);
  });
});
