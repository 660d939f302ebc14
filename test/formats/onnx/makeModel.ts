import { create } from "@bufbuild/protobuf";
import type { Shape } from "../../../src/core/shape.ts";
import { attributeTypes, dataTypes } from "../../../src/formats/onnx/proto/dataTypes.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type ModelProto,
  ModelProtoSchema,
} from "../../../src/formats/onnx/proto/messages.generated.ts";
import { makeTensorProto } from "../../../src/formats/onnx/proto/tensorData.ts";
import type { WritableTensor } from "../../../src/formats/tensorFile.ts";

/** A whole number, whole numbers, a text, or floats said to be such. */
export type MadeAttribute =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: WritableTensor };

/** A node of a made model. */
export interface MadeNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, MadeAttribute>>;
  readonly domain?: string;
}

/** An ONNX model for tests. */
export interface MadeModel {
  readonly opset: number;
  readonly nodes: readonly MadeNode[];
  /** Float inputs by name. A size may be the name of one. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly constants?: Readonly<Record<string, WritableTensor>>;
  readonly outputs: readonly string[];
}

function attribute(name: string, value: MadeAttribute): AttributeProto {
  if (typeof value === "number") {
    return create(AttributeProtoSchema, { name, type: attributeTypes.int, i: BigInt(value) });
  }
  if (typeof value === "string") {
    const s = new TextEncoder().encode(value);
    return create(AttributeProtoSchema, { name, type: attributeTypes.string, s });
  }
  if ("tensor" in value) {
    const t = makeTensorProto(name, value.tensor);
    return create(AttributeProtoSchema, { name, type: attributeTypes.tensor, t });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: attributeTypes.float, f: value.float });
  }
  if ("floats" in value) {
    const { floats: numbers } = value;
    return create(AttributeProtoSchema, {
      name,
      type: attributeTypes.floats,
      floats: [...numbers],
    });
  }
  return create(AttributeProtoSchema, {
    name,
    type: attributeTypes.ints,
    ints: value.map(BigInt),
  });
}

/** Numbers for shapes and indices. */
export function integers(...values: number[]): WritableTensor {
  return { shape: [values.length], data: Int32Array.from(values), elementType: "int64" };
}

/** Floats of a shape, by default a vector. */
export function floats(values: readonly number[], shape: Shape = [values.length]): WritableTensor {
  return { shape, data: Float32Array.from(values) };
}

/** Makes an ONNX model. */
export function makeModel(made: MadeModel): ModelProto {
  const { opset, nodes, inputs, constants = {}, outputs } = made;
  return create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { version: BigInt(opset) },
      ...nodes.flatMap(({ domain }) => (domain === undefined ? [] : [{ domain, version: 1n }])),
    ],
    graph: {
      name: "made",
      node: nodes.map(({ op, inputs: from, outputs: to, attributes = {}, domain = "" }) => ({
        opType: op,
        domain,
        name: `${op}_${to[0]}`,
        input: [...from],
        output: [...to],
        attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
      })),
      initializer: Object.entries(constants).map(([name, tensor]) => makeTensorProto(name, tensor)),
      input: Object.entries(inputs).map(([name, shape]) => ({ name, type: typeOf(shape) })),
      output: outputs.map((name) => ({ name, type: typeOf() })),
    },
  });
}

/** The type of a float tensor, of any shape where none is given. */
function typeOf(shape?: readonly (number | string)[]) {
  const dim = shape?.map((size) => ({
    value:
      typeof size === "number"
        ? { case: "dimValue" as const, value: BigInt(size) }
        : { case: "dimParam" as const, value: size },
  }));
  const elemType = dataTypes.float32;
  return { tensorType: { elemType, ...(dim === undefined ? {} : { shape: { dim } }) } };
}
