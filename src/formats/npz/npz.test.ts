import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { readTensors } from "../tensorFile.ts";
import { readNpy, writeNpy } from "./npy.ts";
import { readNpz, writeNpz } from "./npz.ts";

const fixtures = new URL("../../../test/formats/fixtures/npz/", import.meta.url);
const fixture = (name: string) =>
  bytesSource(new Uint8Array(readFileSync(new URL(name, fixtures))), name);
const npy = (header: string, dataBytes = 0, version = 1) => {
  const bytes = Uint8Array.from(`\x93NUMPY${String.fromCharCode(version)}\0\0\0${header}`, (c) =>
    c.charCodeAt(0),
  );
  bytes[8] = header.length & 255;
  bytes[9] = header.length >> 8;
  const file = new Uint8Array(bytes.length + dataBytes);
  file.set(bytes);
  return bytesSource(file, "a.npy");
};
const header = (descr: string, shape: string, order = "False") =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe("npz", () => {
  it.each(["stored.npz", "compressed.npz"])("%s of NumPy is read", async (name) => {
    const tensors = await readTensors(await readNpz(fixture(name)));
    const ramp = { shape: [2, 3], dtype: "float32", data: Float32Array.of(0, 1, 2, 3, 4, 5) };
    expect(Object.fromEntries(tensors)).toEqual({
      ramp,
      columns: ramp,
      count: { shape: [], dtype: "int32", data: Int32Array.of(7) },
      half: { shape: [3], dtype: "float32", data: Float32Array.of(0, 1, 2) },
    });
  });

  it.each([true, false])("comes back as it was written, compressed: %s", async (compress) => {
    const tensors = {
      "fc/kernel": { shape: [3], data: Float32Array.of(1, 2, 3) },
      n: { shape: [1, 2], data: Int32Array.of(-1, 4), elementType: "int8" as const },
    };
    const bytes = writeNpz(tensors, { compress });
    const read = await readTensors(await readNpz(bytesSource(bytes)));
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      expect(read.get(name)).toMatchObject({ shape, data });
    }
    expect(bytes.length).toBeLessThan(900);
  });
});

describe("npy", () => {
  it("begins its data at a multiple of 64 bytes", () => {
    const bytes = writeNpy({ shape: [2], data: Float32Array.of(1, 2) });
    expect((bytes.length - 8) % 64).toBe(0);
    expect(bytes[bytes.length - 9]).toBe(10);
  });

  it("refuses an object array, which is a pickle", async () => {
    await expect(readNpy(fixture("object.npy"))).rejects.toThrow(UnsupportedError);
  });

  const faults: [string, ReturnType<typeof npy>, RegExp][] = [
    ["no array", bytesSource(new Uint8Array(20), "a.npy"), /no NumPy array/],
    ["version 9", npy(header("<f4", "(1,)"), 4, 9), /version 9/],
    ["absurd header", npy("\xff\xff\xff\xff", 0, 2), /claims/],
    ["header beyond the file", bytesSource(npyBytes(), "a.npy"), /outside the file/],
    ["more elements than bytes", npy(header("<f4", "(9,)"), 4), /outside the file/],
    ["absurd shape", npy(header("<f4", "(99999999999999999999,)"), 4), /size of 1/],
    ["code in the header", npy(header("<f4", "(__import__('os'),)"), 4), /expected descr/],
    ["big-endian", npy(header(">f4", "(1,)"), 4), /type >f4/],
    [
      "structured",
      npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
      /type/,
    ],
  ];
  it.each(faults)("refuses %s", async (_, source, message) => {
    await expect(readNpy(source)).rejects.toThrow(message);
  });

  it("refuses every truncation", async () => {
    const bytes = writeNpy({ shape: [2], data: Float32Array.of(1, 2) });
    for (let length = 0; length < bytes.length; length++) {
      await expect(readNpy(bytesSource(bytes.subarray(0, length)))).rejects.toThrow(FormatError);
    }
  });
});

function npyBytes(): Uint8Array {
  const bytes = writeNpy({ shape: [1], data: Float32Array.of(1) });
  return bytes.subarray(0, 40);
}
