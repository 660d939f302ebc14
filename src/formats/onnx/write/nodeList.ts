import { create } from "@bufbuild/protobuf";
import type { Shape } from "../../../core/shape.ts";
import { attributeTypes } from "../proto/dataTypes.ts";
import {
  type AttributeProto,
  AttributeProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
} from "../proto/messages.generated.ts";
import { makeTensorProto } from "../proto/tensorData.ts";

/** An attribute of a node, by the type that the format stores it in. */
export type WrittenAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] };

/** Nodes and small constants of an ONNX graph under construction. Every tensor gets a name of its own. */
export class NodeList {
  readonly nodes: NodeProto[] = [];
  readonly constants = new Map<string, TensorProto>();
  readonly #taken: Set<string>;
  readonly #shared = new Map<string, string>();

  /** @param taken names that inputs, weights and outputs have already */
  constructor(taken: Iterable<string>) {
    this.#taken = new Set(taken);
  }

  /**
   * Appends a node with one result and returns the result's name.
   *
   * @param inputs names of tensors; an empty name leaves an optional input out
   * @param path where the operation stands in the net: `layer1.0.conv1`
   */
  add(
    opType: string,
    inputs: readonly string[],
    path: string,
    attributes: Readonly<Record<string, WrittenAttribute>> = {},
  ): string {
    const name = this.#unique(path === "" ? opType : `${path}/${opType}`);
    this.nodes.push(
      create(NodeProtoSchema, {
        name,
        opType,
        input: [...inputs],
        output: [name],
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      }),
    );
    return name;
  }

  /** The name of a float scalar. */
  number(value: number): string {
    return this.#constant(`number ${value}`, "constant", [], Float32Array.of(value));
  }

  /** The name of a vector of int64. */
  integers(values: readonly number[]): string {
    return this.#constant(
      `integers ${values.join()}`,
      "integers",
      [values.length],
      Int32Array.from(values),
    );
  }

  /** The name of a tensor of known numbers. */
  tensor(data: Float32Array | Int32Array, shape: Shape, path: string): string {
    const name = this.#unique(path === "" ? "constant" : `${path}/constant`);
    this.constants.set(name, makeTensorProto(name, { data, shape }));
    return name;
  }

  #constant(key: string, base: string, shape: Shape, data: Float32Array | Int32Array): string {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const name = this.#unique(base);
    const elementType = data instanceof Int32Array ? "int64" : "float32";
    this.constants.set(name, makeTensorProto(name, { data, shape, elementType }));
    this.#shared.set(key, name);
    return name;
  }

  #unique(base: string): string {
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

function attribute(name: string, value: WrittenAttribute): AttributeProto {
  if ("int" in value) {
    return create(AttributeProtoSchema, {
      name,
      type: attributeTypes.int,
      i: BigInt(value.int),
    });
  }
  if ("float" in value) {
    return create(AttributeProtoSchema, { name, type: attributeTypes.float, f: value.float });
  }
  return create(AttributeProtoSchema, {
    name,
    type: attributeTypes.ints,
    ints: value.ints.map(BigInt),
  });
}
