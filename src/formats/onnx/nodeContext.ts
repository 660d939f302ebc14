import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { checkShape, type Shape } from "../../core/shape.ts";
import type { GraphBuilder, Value } from "../../graph/builder.ts";
import { multiply } from "../../graph/ops/binary.ts";
import type { ElementType } from "../elementType.ts";
import type { OnnxTensor } from "./onnxTensor.ts";
import { attributeTypes } from "./proto/dataTypes.ts";
import type { AttributeProto, NodeProto, TensorProto } from "./proto/messages.generated.ts";

/** Where a node's inputs come from, and what its import may cost. */
export interface ImportScope {
  readonly builder: GraphBuilder;
  /** Images that the graph is built for in place of the `declared` ones that shapes in the file are written for. */
  readonly batch?: { readonly declared: number; readonly actual: number } | undefined;
  /** The tensor of that name. */
  tensor(name: string, where: string): OnnxTensor;
  /** The same as a value of the graph. */
  value(name: string, where: string): Value;
  /** Counts numbers that the import itself holds (tables of positions, folded tensors), and refuses too many. */
  charge(numbers: number, where: string): void;
}

/** Numbers that decide a shape and are computed by the graph. */
export class UnknownNumbersError extends UnsupportedError {
  override name = "UnsupportedError";
  readonly tensor: string;

  constructor(tensor: string, where: string) {
    super(
      `${where}: "${tensor}" is computed by the graph; expected numbers that are known before it runs, since shapes depend on them.`,
    );
    this.tensor = tensor;
  }
}

/** One ONNX node while it is imported: its inputs and its attributes, checked as they are asked for. */
export class NodeContext {
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly where: string;
  readonly #node: NodeProto;
  readonly #scope: ImportScope;

  constructor(node: NodeProto, opset: number, scope: ImportScope) {
    this.#node = node;
    this.opset = opset;
    this.#scope = scope;
    this.where = `onnx: ${node.opType} "${node.name || (node.output[0] ?? "")}"`;
  }

  get builder(): GraphBuilder {
    return this.#scope.builder;
  }

  get batch(): ImportScope["batch"] {
    return this.#scope.batch;
  }

  /** How many inputs are listed, left out ones too. */
  get inputCount(): number {
    return this.#node.input.length;
  }

  /** How many outputs are listed, left out ones too. */
  get outputCount(): number {
    return this.#node.output.length;
  }

  /** Whether input `index` is given; an empty name stands for one left out. */
  has(index: number): boolean {
    return (this.#node.input[index] ?? "") !== "";
  }

  /** Whether output `index` is asked for. */
  wants(index: number): boolean {
    return (this.#node.output[index] ?? "") !== "";
  }

  tensor(index: number): OnnxTensor {
    return this.#scope.tensor(this.#nameOf(index), this.where);
  }

  /** Places of the inputs that are given. */
  indices(): number[] {
    return [...this.#node.input.keys()].filter((index) => this.has(index));
  }

  /** All inputs that are given. */
  tensors(): OnnxTensor[] {
    return this.indices().map((index) => this.tensor(index));
  }

  shape(index: number): Shape {
    return this.tensor(index).shape;
  }

  type(index: number): ElementType {
    return this.tensor(index).elementType;
  }

  /** An input as a value to calculate with, float32. */
  input(index: number): Value {
    const value = this.raw(index);
    return value.dtype === "float32" ? value : multiply(value, 1);
  }

  /** An input as it lies, float32 or int32. */
  raw(index: number): Value {
    return this.#scope.value(this.#nameOf(index), this.where);
  }

  /** Numbers of an input that decides the shape of the result. */
  known(index: number): number[] {
    const name = this.#nameOf(index);
    const { numbers } = this.#scope.tensor(name, this.where);
    if (numbers === undefined) throw new UnknownNumbersError(name, this.where);
    return Array.from(numbers);
  }

  /** The single number of an input, `otherwise` where it is left out. */
  knownScalar(index: number, otherwise: number): number {
    if (!this.has(index)) return otherwise;
    const numbers = this.known(index);
    if (numbers.length !== 1) {
      throw new FormatError(
        `${this.where}: input ${index} has ${numbers.length} elements; expected one.`,
      );
    }
    return numbers[0]!;
  }

  /** Counts numbers that the import holds for this node. */
  charge(numbers: number): void {
    this.#scope.charge(numbers, this.where);
  }

  /** Counts a table of positions: its rows are lists of their own, which cost more than the numbers in them. */
  chargeTable(rows: number, entries: number = rows): void {
    this.charge(8 * rows + entries);
  }

  /** Refuses sizes from the file that no tensor can have. */
  checkSizes(sizes: Shape, minimum = 1): void {
    checkShape(sizes, this.where, minimum);
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

  floats(name: string): number[] | undefined {
    return this.#attribute(name, attributeTypes.floats)?.floats;
  }

  string(name: string, otherwise: string): string {
    const found = this.#attribute(name, attributeTypes.string);
    return found === undefined ? otherwise : new TextDecoder().decode(found.s);
  }

  /** A text that must be one of a few. */
  choice<T extends string>(name: string, choices: readonly T[], otherwise: T): T {
    const text = this.string(name, otherwise);
    const found = choices.find((choice) => choice === text);
    if (found !== undefined) return found;
    throw new UnsupportedError(
      `${this.where}: ${name} is "${text}"; expected one of ${choices.join(", ")}.`,
    );
  }

  tensorAttribute(name: string): TensorProto | undefined {
    return this.#attribute(name, attributeTypes.tensor)?.t;
  }

  hasAttribute(name: string): boolean {
    return this.#node.attribute.some((attribute) => attribute.name === name);
  }

  #nameOf(index: number): string {
    const name = this.#node.input[index] ?? "";
    if (name === "") throw new FormatError(`${this.where}: input ${index} is missing.`);
    return name;
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
