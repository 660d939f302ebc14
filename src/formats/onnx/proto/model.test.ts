import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { describe, expect, it } from "vitest";
import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { bytesSource } from "../../byteSource.ts";
import { memoryFolder } from "../../fileFolder.ts";
import { attributeTypes, dataTypes } from "./dataTypes.ts";
import { loadExternalData } from "./externalData.ts";
import {
  AttributeProtoSchema,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./messages.generated.ts";
import { decodeModel, decodeTensor, encodeModel, modelTensors, readModel } from "./model.ts";
import { makeTensorProto, tensorData, tensorHeader } from "./tensorData.ts";

const weight = makeTensorProto("weight", { shape: [2, 1], data: Float32Array.of(0.5, -3) });

function model(initializer: TensorProto[] = [weight]): ModelProto {
  const shape = makeTensorProto("", { shape: [1], data: Int32Array.of(2), elementType: "int64" });
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 18n }],
    metadataProps: [{ key: "task", value: "classes" }],
    graph: {
      name: "g",
      node: [
        {
          opType: "Constant",
          output: ["shape"],
          attribute: [{ name: "value", type: attributeTypes.tensor, t: shape }],
        },
        { opType: "Reshape", input: ["weight", "shape"], output: ["y"] },
      ],
      initializer,
      input: [
        {
          name: "x",
          type: {
            tensorType: {
              elemType: 1,
              shape: {
                dim: [
                  { value: { case: "dimParam", value: "N" } },
                  { value: { case: "dimValue", value: 3n } },
                ],
              },
            },
          },
        },
      ],
      output: [{ name: "y" }],
    },
  });
}

describe("model", () => {
  it("comes back as it was written", async () => {
    const bytes = encodeModel(model());
    const read = await readModel(bytesSource(bytes, "a.onnx"));
    expect(encodeModel(read)).toEqual(bytes);
    expect(read.graph?.node[0]?.attribute[0]?.t?.dims).toEqual([1n]);
    expect(read.graph?.input[0]?.type?.tensorType?.shape?.dim.map((dim) => dim.value)).toEqual([
      { case: "dimParam", value: "N" },
      { case: "dimValue", value: 3n },
    ]);
    const { tensors, metadata } = modelTensors(read, "a.onnx");
    expect(metadata).toEqual({ task: "classes" });
    expect([...(await tensors.get("weight")!.read())]).toEqual([0.5, -3]);
  });

  it("refuses every truncation, and a file without a graph", () => {
    const bytes = encodeModel(model());
    expect(() => decodeModel(new Uint8Array(), "a.onnx")).toThrow(/a.onnx: no graph/);
    let decoded = 0;
    for (let length = 0; length < bytes.length; length++) {
      try {
        decodeModel(bytes.subarray(0, length), "a.onnx");
        decoded++;
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }
    // Only a cut between two top-level fields leaves a valid message, and few of them a graph.
    expect(decoded).toBeLessThan(3);
  });

  it("refuses two initializers of one name", () => {
    expect(() => modelTensors(model([weight, weight]), "a.onnx")).toThrow(/"weight" occurs twice/);
  });
});

describe("tensor", () => {
  const varints = (...values: bigint[]) => {
    const writer = new BinaryWriter();
    for (const value of values) writer.int64(value);
    return [writer.finish()];
  };
  const floats = (array: ArrayBufferView) => [new Uint8Array(array.buffer)];
  const cases: [string, MessageInitShape<typeof TensorProtoSchema>, number[]][] = [
    ["float32", { floatData: floats(Float32Array.of(1.5, -2)) }, [1.5, -2]],
    ["float64", { doubleData: floats(Float64Array.of(0.25, -2)) }, [0.25, -2]],
    ["float16", { int32Data: varints(0x3c00n, 0xc000n) }, [1, -2]],
    ["bfloat16", { int32Data: varints(0x3f80n, 0xc000n) }, [1, -2]],
    ["int32", { int32Data: varints(-1n, 7n) }, [-1, 7]],
    ["int8", { int32Data: varints(-128n, 7n) }, [-128, 7]],
    ["uint8", { int32Data: varints(255n, 7n) }, [255, 7]],
    ["bool", { int32Data: varints(1n, 0n) }, [1, 0]],
    ["int64", { int64Data: varints(-5n, 2n ** 63n - 1n) }, [-5, 2 ** 31 - 1]],
    ["uint32", { uint64Data: varints(5n, 6n) }, [5, 6]],
    ["uint64", { uint64Data: varints(5n, 6n) }, [5, 6]],
  ];
  it.each(cases)("reads the typed field of %s", (type, fields, values) => {
    const dataType = dataTypes[type as keyof typeof dataTypes];
    const tensor = create(TensorProtoSchema, { dims: [2n], dataType, ...fields });
    const decoded = decodeTensor(toBinary(TensorProtoSchema, tensor), "t.pb");
    expect([...tensorData(decoded, "t")]).toEqual(values);
  });

  it("can refuse an int64 beyond int32", () => {
    const tensor = create(TensorProtoSchema, {
      dims: [1n],
      dataType: dataTypes.int64,
      int64Data: varints(2n ** 40n),
    });
    expect(() => tensorData(tensor, "t", "refuse")).toThrow(/element 0 is 1099511627776/);
  });

  const faults: [string, MessageInitShape<typeof TensorProtoSchema>, RegExp][] = [
    [
      "too few bytes",
      { dims: [3n], rawData: new Uint8Array(8) },
      /8 bytes of float32; shape \[3\]/,
    ],
    ["too many bytes", { dims: [1n], rawData: new Uint8Array(8) }, /takes 4/],
    ["negative size", { dims: [-1n] }, /size of -1/],
    ["absurd shape", { dims: [2n ** 62n] }, /size of/],
    ["absurd product", { dims: [2n ** 30n, 4n] }, /elements; at most/],
    ["no such type", { dataType: 99 }, /data type 99 does not exist/],
    ["cut varint", { dims: [1n], dataType: 7, int64Data: [Uint8Array.of(0x80)] }, /cut off/],
    [
      "long varint",
      { dims: [1n], dataType: 7, int64Data: [new Uint8Array(20).fill(255)] },
      /too long/,
    ],
    ["wrong count", { dims: [9n], dataType: 7, int64Data: varints(1n) }, /1 integers; .* 9/],
    ["number too large", { dims: [1n], dataType: 2, int32Data: varints(256n) }, /element 0 is 256/],
    ["external", { dataLocation: 1 }, /in another file/],
    ["segment", { segment: {} }, /segments/],
    ["string", { dataType: 8 }, /type string/],
  ];
  it.each(faults)("refuses %s", (_, fields, message) => {
    const tensor = create(TensorProtoSchema, { dataType: 1, ...fields });
    expect(() => tensorData(tensor, "t")).toThrow(message);
  });

  it("keeps the element type of what it writes", () => {
    const tensor = makeTensorProto("h", {
      shape: [],
      data: Float32Array.of(1),
      elementType: "float16",
    });
    expect(tensorHeader(tensor, "h")).toEqual({
      shape: [],
      elementType: "float16",
      sizeBytes: 2,
      isExternal: false,
    });
  });
});

describe("external data", () => {
  const external = (entries: Record<string, string>) =>
    create(TensorProtoSchema, {
      name: "w",
      dims: [2n],
      dataType: 1,
      dataLocation: 1,
      externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
    });
  const folder = memoryFolder(
    new Map([["w.bin", bytesSource(new Uint8Array(Float32Array.of(9, 1, 2).buffer), "w.bin")]]),
  );
  const load = async (...tensors: TensorProto[]) => {
    const read = model(tensors);
    await loadExternalData(read, folder, "a.onnx");
    return tensorData(read.graph!.initializer[0]!, "w");
  };

  it("is read from its place", async () => {
    const where = { location: "./w.bin", offset: "4", length: "8" };
    expect([...(await load(external(where)))]).toEqual([1, 2]);
  });

  const faults: [Record<string, string>, RegExp][] = [
    [{ location: "../secret" }, /not a path inside the folder/],
    [{ location: "/etc/passwd" }, /not a path inside the folder/],
    [{ location: "a\\..\\b" }, /not a path inside the folder/],
    [{ location: "c:w" }, /not a path inside the folder/],
    [{ location: "" }, /not a path inside the folder/],
    [{ location: "v.bin" }, /no file "v.bin"/],
    [{}, /without a "location"/],
    [{ location: "w.bin", offset: "8" }, /outside the file/],
    [{ location: "w.bin", offset: "-4" }, /whole number/],
    [{ location: "w.bin", offset: "1e1" }, /whole number/],
    [{ location: "w.bin", length: "12" }, /12 bytes in "w.bin"; its shape and type take 8/],
  ];
  it.each(faults)("%o is refused", async (entries, message) => {
    await expect(load(external(entries))).rejects.toThrow(message);
  });

  it("cannot be claimed by tensors that are larger than the files together", async () => {
    const tensor = () => external({ location: "w.bin" });
    await expect(load(tensor(), tensor())).rejects.toThrow(/claim 16 bytes .* have 12/);
  });
});

describe("hostile messages", () => {
  it("refuses graphs in graphs in graphs", () => {
    let bytes = toBinary(GraphProtoSchema, create(GraphProtoSchema, { name: "inner" }));
    for (let depth = 0; depth < 200; depth++) {
      const writer = new BinaryWriter();
      // GraphProto.node.attribute.g, written by hand because no object could be this deep.
      writer.tag(6, 2).bytes(bytes);
      const attribute = writer.finish();
      writer.tag(5, 2).bytes(attribute);
      const node = writer.finish();
      writer.tag(1, 2).bytes(node);
      bytes = writer.finish();
    }
    const file = new BinaryWriter().tag(7, 2).bytes(bytes).finish();
    expect(() => decodeModel(file, "a.onnx")).toThrow(/nested deeper than 64/);
  });

  it("refuses millions of empty messages before building one", () => {
    const nodes = new Uint8Array(8_000_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = (1 << 3) | 2;
    const file = new BinaryWriter().tag(7, 2).bytes(nodes).finish();
    const before = process.memoryUsage().rss;
    expect(() => decodeModel(file, "a.onnx")).toThrow(/more than 300000/);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });

  it("refuses unpacked numbers where the format says packed", () => {
    const file = new BinaryWriter().tag(1, 0).int64(1n).tag(4, 5).float(1).finish();
    expect(() => decodeTensor(file, "t.pb")).toThrow(/wire type 5, expected 2/);
  });

  it("names the data type it does not read", () => {
    const tensor = create(TensorProtoSchema, { dataType: 22 });
    expect(() => tensorHeader(tensor, "t")).toThrow(UnsupportedError);
  });

  it("keeps attributes apart by their field", () => {
    const node = create(NodeProtoSchema, {
      attribute: [
        create(AttributeProtoSchema, { name: "alpha", type: attributeTypes.float, f: 2 }),
      ],
    });
    expect(node.attribute[0]).toMatchObject({ name: "alpha", f: 2 });
  });
});
