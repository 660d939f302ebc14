import { FormatError, ShapeError } from "../../../core/errors.ts";
import {
  broadcastShapes,
  elementCount,
  formatShape,
  rowMajorStrides,
  type Shape,
} from "../../../core/shape.ts";
import type { Expression } from "../../../graph/expression.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import {
  type UnaryName,
  unary,
  unaryExpression,
  unaryFunctions,
} from "../../../graph/ops/unary.ts";
import { evaluator } from "../../../graph/scalarFunctions.ts";
import { type ElementType, elementTypes } from "../../elementType.ts";
import type { NodeContext } from "../nodeContext.ts";
import { type KnownTensor, known, type OnnxTensor, typed } from "../onnxTensor.ts";
import type { Importer, Operator } from "./operator.ts";

/** An operator that works on each element by itself, from which both of its forms follow. */
export interface Pointwise {
  /** What is computed, over the node's inputs. */
  expression(node: NodeContext): Expression;
  /** Type of the result. Default: that of the first input. */
  type?(node: NodeContext): ElementType;
  /** How the graph computes it, where it has a name for it. */
  readonly build?: Importer;
}

/** A function of one number that the graph has a name for, with parameters from attributes. */
export function named(
  name: UnaryName,
  parameters: (node: NodeContext) => Readonly<Record<string, number>> = () => ({}),
): Pointwise {
  const complete = (node: NodeContext) => ({
    ...unaryFunctions[name].parameters,
    ...parameters(node),
  });
  return {
    expression: (node) => unaryExpression({ function: name, parameters: complete(node) }),
    build: (node) => unary(node.input(0), name, complete(node)),
  };
}

/** An operator from its row. */
export function pointwiseOperator(row: Pointwise): Operator {
  return {
    build: (node) => row.build?.(node) ?? built(node, row),
    evaluate: (node) => evaluate(node, row),
  };
}

function typeOf(node: NodeContext, row: Pointwise): ElementType {
  return row.type?.(node) ?? node.type(0);
}

/** The row's expression over the node's inputs, as the graph computes it. */
export function built(node: NodeContext, row: Pointwise): OnnxTensor {
  const shapes = operandShapes(node);
  const expression = checkedExpression(node, row);
  const operands = shapes.map((shape, i) => reshape(node.input(i), shape));
  return typed(elementwise(operands, expression), typeOf(node, row));
}

/** The row's expression, which may read no input that the node does not have. */
function checkedExpression(node: NodeContext, row: Pointwise): Expression {
  const expression = row.expression(node);
  const needed = largestInput(expression) + 1;
  const { length } = node.indices();
  if (needed > length || length === 0) {
    throw new FormatError(`${node.where}: ${length} inputs; expected ${Math.max(1, needed)}.`);
  }
  return expression;
}

function largestInput(expression: Expression): number {
  if (expression.kind === "input") return expression.index;
  if (expression.kind === "constant") return -1;
  return Math.max(...expression.arguments.map(largestInput));
}

/**
 * The shapes of the inputs as they broadcast. From operator set 7 on that is NumPy's rule; before, the second of two was
 * aligned at `axis` of the first (at its end, if left out) where `broadcast` said so.
 */
function operandShapes(node: NodeContext): readonly Shape[] {
  const shapes = node.tensors().map(({ shape }) => shape);
  const [first, second] = shapes;
  if (node.opset >= 7 || second === undefined || node.int("broadcast", 0) === 0) return shapes;
  const axis = node.int("axis", first!.length - second.length);
  const start = axis < 0 ? axis + first!.length : axis;
  const behind = first!.length - start - second.length;
  if (start < 0 || behind < 0) {
    throw new ShapeError(
      `${node.where}: ${formatShape(second)} does not fit ${formatShape(first!)} at axis ${axis}.`,
    );
  }
  return [first!, [...second, ...new Array<number>(behind).fill(1)]];
}

function evaluate(node: NodeContext, row: Pointwise): KnownTensor[] | undefined {
  const tensors = node.tensors();
  if (tensors.some(({ numbers }) => numbers === undefined)) return undefined;
  const shapes = operandShapes(node);
  const type = typeOf(node, row);
  const shape = broadcastShapes(shapes, node.where);
  const count = elementCount(shape);
  node.charge(count * (tensors.length + 1));
  const compute = evaluator(checkedExpression(node, row));
  const strides = shapes.map((own) => broadcastStrides(own, shape));
  const places = rowMajorStrides(shape);
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const elements = tensors.map(({ numbers }, t) => {
      let offset = 0;
      for (const [axis, size] of shape.entries()) {
        offset += (Math.floor(i / places[axis]!) % size) * strides[t]![axis]!;
      }
      return numbers![offset]!;
    });
    result[i] = compute(elements);
  }
  return [known(rounded(result, type), shape, type)];
}

/** Steps through a tensor of shape `own` that is broadcast to `shape`: 0 along the repeated axes. */
function broadcastStrides(own: Shape, shape: Shape): number[] {
  const offset = shape.length - own.length;
  const strides = rowMajorStrides(own);
  return shape.map((_, axis) => {
    const a = axis - offset;
    return a < 0 || own[a] === 1 ? 0 : strides[a]!;
  });
}

/** Numbers as a type holds them. */
function rounded(numbers: Float64Array, type: ElementType): ArrayLike<number> {
  return elementTypes[type].dtype === "float32" ? new Float32Array(numbers) : numbers;
}
