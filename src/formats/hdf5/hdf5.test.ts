import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, StriateError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { type Hdf5Dataset, type Hdf5Group, nodeAt, readHdf5 } from "./read.ts";

const fixtures = new URL("../../../test/formats/fixtures/hdf5/", import.meta.url);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));
const open = (bytes: Uint8Array) => readHdf5(bytesSource(bytes, "a.h5"));
const dataset = (root: Hdf5Group, path: string) => nodeAt(root, path) as Hdf5Dataset;
const values = async (root: Hdf5Group, path: string) => [
  ...(await dataset(root, path).tensor!.read()),
];
const ramp = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(["old.h5", "new.h5"])("%s of h5py", (name) => {
  it("has the attributes that were written", async () => {
    const { attributes } = await open(fixture(name));
    expect(Object.fromEntries(attributes)).toEqual({
      text: { shape: [], values: ["π of a variable length"] },
      texts: { shape: [2], values: ["conv1", "dense_12"] },
      list: { shape: [2], values: ["a", "bc"] },
      whole: { shape: [], values: [7] },
      floats: { shape: [3], values: [0, 1, 2] },
      truth: { shape: [], values: [1] },
    });
  });

  it("has the numbers that were written", async () => {
    const root = await open(fixture(name));
    expect(dataset(root, "a/b/float32").tensor?.shape).toEqual([2, 3, 4]);
    expect(await values(root, "a/b/float32")).toEqual(ramp(24));
    for (const type of ["float16", "float64", "int64", "uint8"]) {
      expect(dataset(root, `a/b/${type}`).tensor?.elementType).toBe(type);
      expect(await values(root, `a/b/${type}`)).toEqual([0, 1, 2]);
    }
    expect(await values(root, "a/b/bool")).toEqual([1, 0]);
    expect(await values(root, "a/b/scalar")).toEqual([5]);
    expect(await values(root, "a/b/empty")).toEqual([]);
    expect(await values(root, "a/b/unfilled")).toEqual([0, 0, 0, 0]);
    expect(await values(root, "a/b/packed")).toEqual(ramp(70));
    expect(await values(root, "a/b/one_chunk")).toEqual(ramp(70));
  });

  it("says what it does not read, and follows no link out of the file", async () => {
    const root = await open(fixture(name));
    expect(dataset(root, "a/b/text")).toMatchObject({ tensor: undefined });
    expect(dataset(root, "a/b/big_endian").tensor).toBeUndefined();
    expect(nodeAt(root, "external")).toBeUndefined();
    expect(nodeAt(root, "soft")).toBeUndefined();
  });

  it("has all members of a large group, one object behind them", async () => {
    const many = nodeAt(await open(fixture(name)), "many") as Hdf5Group;
    expect([...many.members.keys()]).toEqual(
      ramp(300).map((i) => `layer_${String(i).padStart(3, "0")}`),
    );
    expect(new Set(many.members.values()).size).toBe(1);
  });

  it("is found behind a user block", async () => {
    const bytes = fixture(name);
    const shifted = new Uint8Array(bytes.length + 1024);
    shifted.set(bytes, 1024);
    expect(await values(await open(shifted), "a/b/float32")).toEqual(ramp(24));
  });

  it("is refused or read in part at a truncation, never otherwise", async () => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length += 97) {
      const outcome = await open(bytes.subarray(0, length)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StriateError);
    }
  });
});

describe("groups that keep the order of their members", () => {
  it("give them in that order", async () => {
    const tracked = nodeAt(await open(fixture("new.h5")), "tracked") as Hdf5Group;
    const names = ramp(12).map((i) => String(11 - i));
    expect([...tracked.members.keys()]).toEqual(names);
    expect(tracked.attributes.get("attribute_4")).toEqual({ shape: [], values: [7] });
    expect(tracked.attributes.size).toBe(12);
  });
});

describe("hostile files", () => {
  /** The old file with the four bytes at `offset` after the last `signature` replaced. */
  function patched(signature: string, offset: number, value: number): Uint8Array {
    const bytes = fixture("old.h5");
    const place = Buffer.from(bytes).toString("latin1").lastIndexOf(signature) + offset;
    new DataView(bytes.buffer).setUint32(place, value, true);
    return bytes;
  }

  const cases: [string, Uint8Array, RegExp][] = [
    ["no HDF5 file", new Uint8Array(5000), /signature is not there/],
    ["an empty file", new Uint8Array(0), /signature is not there/],
    [
      "a tree inside itself",
      patched("TREE", 5, 0xffffff00),
      /levels do not go down|bytes at offset/,
    ],
    ["names beyond the file", patched("HEAP", 8, 0x7fffffff), /outside the file/],
    ["a root group nowhere", patched("\x89HDF", 64, 0xffffff), /outside the file/],
  ];
  it.each(cases)("%s is refused", async (_, bytes, message) => {
    const failure = await open(bytes).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(FormatError);
    expect((failure as Error).message).toMatch(message);
  });
});
