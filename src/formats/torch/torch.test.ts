import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { FormatError } from "../../core/errors.ts";
import { bytesSource } from "../byteSource.ts";
import { readTensors, stripPrefix } from "../tensorFile.ts";
import { writeZip } from "../zip/write.ts";
import { readTorch } from "./read.ts";
import { writeTorch } from "./write.ts";

const fixtures = new URL("../../../test/formats/fixtures/torch/", import.meta.url);
const fixture = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));
const open = (bytes: Uint8Array, key?: string) =>
  readTorch(bytesSource(bytes, "a.pth"), key === undefined ? {} : { key });

/** A zip checkpoint of this pickle and one storage of 16 bytes. */
function checkpoint(pickle: string): Uint8Array {
  return writeZip(
    new Map([
      ["archive/data.pkl", Uint8Array.from(pickle, (letter) => letter.charCodeAt(0))],
      ["archive/data/0", new Uint8Array(16)],
    ]),
  );
}

/** The pickle of `{"w": tensor}` of storage 0 (4 floats), with these arguments in pickle code. */
const tensorPickle = (offset: string, size: string, stride: string, length = "K\x04") =>
  `\x80\x02}(X\x01\0\0\0wctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage` +
  `ctorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpu${length}tQ${offset}${size}${stride}\x89}tRu.`;

describe("files written by PyTorch", () => {
  it.each(["zip.pth", "legacy.pth"])("%s is read, strided views and all", async (name) => {
    const file = await open(fixture(name));
    expect(file.metadata).toEqual({ epoch: "3", arch: "tiny", best: "0.5" });
    const expected = JSON.parse(new TextDecoder().decode(fixture("expected.json")));
    const tensors = await readTensors(file);
    expect([...tensors.keys()]).toEqual(Object.keys(expected));
    for (const [tensor, { shape, data }] of tensors) {
      expect({ shape, values: [...data] }, tensor).toEqual(expected[tensor]);
    }
  });

  it("can be read at another key, and lists the keys there are", async () => {
    await expect(open(fixture("zip.pth"), "optimizer")).rejects.toThrow(
      /entry "optimizer" is a dict; .* epoch, arch, best, optimizer, state_dict/,
    );
  });

  it("that hold a pickled module are refused with advice", async () => {
    await expect(open(fixture("module.pth"))).rejects.toThrow(
      /"torch.nn.modules.linear.Linear".*save model.state_dict\(\) alone/,
    );
  });

  it.each(["zip.pth", "legacy.pth"])("%s is refused at every truncation", async (name) => {
    const bytes = fixture(name);
    for (let length = 0; length < bytes.length; length++) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
  });
});

describe("writer", () => {
  it("keeps names, shapes, numbers and element types", async () => {
    const tensors = {
      "conv.weight": { shape: [2, 1, 1, 2], data: Float32Array.of(1, -2, 0.5, 3) },
      "bn.num_batches_tracked": {
        shape: [],
        data: Int32Array.of(9),
        elementType: "int64" as const,
      },
      "π.half": { shape: [0], data: new Float32Array(), elementType: "float16" as const },
    };
    const bytes = writeTorch(tensors);
    const file = await open(bytes);
    expect([...file.tensors.values()].map(({ elementType }) => elementType)).toEqual([
      "float32",
      "int64",
      "float16",
    ]);
    for (const [name, { shape, data }] of await readTensors(file)) {
      const given = tensors[name as keyof typeof tensors];
      expect({ shape, data }).toEqual({ shape: given.shape, data: given.data });
    }
    expect(writeTorch(tensors)).toEqual(bytes);
  });
  it("refuses a type PyTorch does not have", () => {
    const x = { shape: [1], data: Int32Array.of(1), elementType: "uint16" as const };
    expect(() => writeTorch({ x })).toThrow(/PyTorch has no uint16/);
  });
});

describe("stripPrefix", () => {
  it("takes the prefix of a wrapper away", () => {
    expect([
      ...stripPrefix(
        new Map([
          ["module.a", 1],
          ["b", 2],
        ]),
        "module.",
      ),
    ]).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
  });
  it("refuses names that become one", () => {
    expect(() =>
      stripPrefix(
        new Map([
          ["module.a", 1],
          ["a", 2],
        ]),
        "module.",
      ),
    ).toThrow(/called "a"/);
  });
});

describe("hostile pickles", () => {
  it("reads the pickle that the faults below are made of", async () => {
    const file = await open(checkpoint(tensorPickle("K\0", "K\x02\x85", "K\x02\x85")));
    expect(file.tensors.get("w")?.shape).toEqual([2]);
  });

  const calls: [string, string][] = [
    ["os.system", "\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."],
    ["posix.system (STACK_GLOBAL)", "\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02ls\x85R."],
    ["builtins.eval", "\x80\x02cbuiltins\neval\nX\x011\x85R."],
    ["builtins.getattr", "\x80\x02c__builtin__\ngetattr\n)R."],
    ["torch.load", "\x80\x02ctorch\nload\n)R."],
    [
      "collections.OrderedDict.__init__",
      "\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.__init__\x93.",
    ],
    ["__proto__", "\x80\x02c__proto__\nconstructor\n)R."],
  ];
  it.each(calls)("refuses %s", async (_, pickle) => {
    await expect(open(checkpoint(pickle))).rejects.toThrow(/found the object/);
  });

  const faults: [string, string, RegExp][] = [
    ["INST", "(S'x'\nios\nsystem\n.", /operation 0x53/],
    ["EXT1", "\x82\x01.", /operation 0x82/],
    ["PERSID", "P1\n.", /operation 0x50/],
    ["protocol 6", "\x80\x06.", /protocol 6/],
    ["empty stack", "\x80\x02.", /nothing to take/],
    ["no mark", "\x80\x02t.", /no mark/],
    ["memo unset", "\x80\x02h\x05.", /memo 5/],
    ["text longer than the pickle", "\x80\x02X\xff\xff\xff\xff.", /4294967295 bytes where/],
    ["absurd integer", `\x80\x02\x8b\xff\xff\xff\x7f.`, /integer of 2147483647 bytes/],
    ["call of a type", "\x80\x02ctorch\nFloatStorage\n)R.", /only names a type/],
    ["call of a number", "\x80\x02K\x01)R.", /no known function/],
    ["key without value", "\x80\x02}(K\x01u.", /a key without a value/],
    ["attributes of a number", "\x80\x02K\x01}b.", /attributes for something/],
    ["no dict", "\x80\x02K\x01.", /holds a number; expected a dict/],
    ["no tensors", "\x80\x02}.", /no entry holds tensors/],
    ["a million objects", `\x80\x02${"]".repeat(1_000_000)}.`, /more than 300000 objects/],
    ["endless operations", `\x80\x02${"N".repeat(1_100_000)}.`, /more than 1000000 operations/],
    [
      "one long list used often",
      `\x80\x02ccollections\nOrderedDict\nq\x00](${"]".repeat(5000)}eq\x01${"h\x00h\x01\x85R0".repeat(5000)}.`,
      /more than 300000 objects/,
    ],
    [
      "strides beyond the storage",
      tensorPickle("K\0", "K\x02\x85", "K\x04\x85"),
      /reach element 5/,
    ],
    [
      "offset beyond the storage",
      tensorPickle("K\x03", "K\x02\x85", "K\x01\x85"),
      /reach element 5/,
    ],
    ["negative offset", tensorPickle("J\xff\xff\xff\xff", "K\x02\x85", "K\x01\x85"), /element -1/],
    ["negative size", tensorPickle("K\0", "J\xff\xff\xff\xff\x85", "K\x01\x85"), /without storage/],
    ["sizes without strides", tensorPickle("K\0", "K\x02\x85", ")"), /1 sizes and 0 strides/],
    ["expanded to gigabytes", tensorPickle("K\0", "J\0\0\0\x10\x85", "K\0\x85"), /from 1 in its/],
    ["absurd shape", tensorPickle("K\0", "J\0\0\0\x70J\0\0\0\x70\x86", "K\0K\0\x86"), /at most/],
  ];
  it.each(faults)("refuses %s", async (_, pickle, message) => {
    const file = checkpoint(pickle);
    const started = performance.now();
    const failure = await open(file).catch((error: unknown) => error);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(failure).toBeInstanceOf(FormatError);
    expect((failure as Error).message).toMatch(message);
  });

  it("refuses a storage that is smaller than it claims, when read", async () => {
    const pickle = tensorPickle("K\0", "K\x09\x85", "K\x01\x85", "K\x09");
    const { tensors } = await open(checkpoint(pickle));
    await expect(tensors.get("w")!.read()).rejects.toThrow(/outside the file/);
  });

  it("is not confused by a dict inside itself", async () => {
    await expect(open(checkpoint("\x80\x02}q\x00X\x01\0\0\0ah\x00s."))).rejects.toThrow(
      /no entry holds tensors/,
    );
  });
});
