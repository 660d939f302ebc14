import type { TensorData } from "../../core/dtype.ts";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { Value } from "../../graph/builder.ts";
import { attributeTypes } from "./proto/dataTypes.ts";
import type { AttributeProto, NodeProto } from "./proto/messages.generated.ts";

/** Where a node's inputs come from. */
export interface ValueSource {
  /** The value of that name in the graph. */
  value(name: string, where: string): Value;
  /** Its numbers, where they are known before the graph runs. */
  known(name: string): TensorData | undefined;
}

/** One ONNX node while it is imported: its inputs and its attributes, checked as they are asked for. */
export class NodeContext {
  readonly opset: number;
  readonly where: string;
  readonly #node: NodeProto;
  readonly #source: ValueSource;

  constructor(node: NodeProto, opset: number, source: ValueSource) {
    this.#node = node;
    this.opset = opset;
    this.#source = source;
    this.where = `onnx: ${node.opType} "${node.name || (node.output[0] ?? "")}"`;
  }

  /** Whether input `index` is given; an empty name stands for one left out. */
  has(index: number): boolean {
    return (this.#node.input[index] ?? "") !== "";
  }

  input(index: number): Value {
    const name = this.#node.input[index] ?? "";
    if (name === "") throw new FormatError(`${this.where}: input ${index} is missing.`);
    return this.#source.value(name, this.where);
  }

  inputs(): Value[] {
    return this.#node.input.map((_, index) => this.input(index));
  }

  /** Numbers of an input that decides the shape of the result. */
  known(index: number): number[] {
    const data = this.#source.known(this.#node.input[index] ?? "");
    if (data === undefined) {
      throw new UnsupportedError(
        `${this.where}: input ${index} is computed by the graph; expected a constant, since shapes depend on it.`,
      );
    }
    return [...data];
  }

  /** Refuses outputs after the first `count`. */
  limitOutputs(count: number): void {
    const more = this.#node.output.slice(count).filter((name) => name !== "");
    if (more.length > 0) {
      throw new UnsupportedError(`${this.where}: output "${more[0]}" is not computed; remove it.`);
    }
  }

  int(name: string, otherwise: number): number {
    const found = this.#attribute(name, attributeTypes.int);
    return found === undefined ? otherwise : Number(found.i);
  }

  float(name: string, otherwise: number): number {
    return this.#attribute(name, attributeTypes.float)?.f ?? otherwise;
  }

  ints(name: string): number[] | undefined {
    return this.#attribute(name, attributeTypes.ints)?.ints.map(Number);
  }

  string(name: string, otherwise: string): string {
    const found = this.#attribute(name, attributeTypes.string);
    return found === undefined ? otherwise : new TextDecoder().decode(found.s);
  }

  #attribute(name: string, type: number): AttributeProto | undefined {
    const found = this.#node.attribute.find((attribute) => attribute.name === name);
    // Files older than IR version 2 leave the type out.
    if (found !== undefined && found.type !== 0 && found.type !== type) {
      throw new FormatError(
        `${this.where}: attribute "${name}" has type ${found.type}, expected ${type}.`,
      );
    }
    return found;
  }
}
