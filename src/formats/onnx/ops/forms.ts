import { FormatError, UnsupportedError } from "../../../core/errors.ts";
import { broadcastShapes, elementCount, formatShape, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { broadcastTo } from "../../../graph/ops/broadcast.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { type ElementType, elementTypes } from "../../elementType.ts";
import type { NodeContext } from "../nodeContext.ts";
import { isEmpty, type KnownTensor, known, type OnnxTensor, typed } from "../onnxTensor.ts";
import type { TensorProto } from "../proto/messages.generated.ts";
import { tensorData, tensorHeader } from "../proto/tensorData.ts";
import { cuttingAxis, normalizedAxis } from "./axes.ts";
import { placed } from "./knownPlaces.ts";
import type { Evaluators, Operator, Operators } from "./operator.ts";

/** The largest filled tensor that can be meant as a shape; larger ones are weights, which the graph fills. */
const maxKnownFill = 4096;

/** An operator that gives the first input another shape: the same for a value of the graph and for known numbers. */
function reshaping(shapeOf: (node: NodeContext) => Shape): Operator {
  return {
    build: (node) => reshape(node.raw(0), shapeOf(node)),
    evaluate(node) {
      const { numbers, elementType } = node.tensor(0);
      if (numbers === undefined) return undefined;
      const shape = shapeOf(node);
      if (elementCount(shape) !== numbers.length) {
        throw new FormatError(
          `${node.where}: ${numbers.length} elements do not fill ${formatShape(shape)}.`,
        );
      }
      return [known(numbers, shape, elementType)];
    },
  };
}

/** An operator that repeats the first input. */
function repeating(
  shapeOf: (node: NodeContext) => Shape,
  build: (node: NodeContext, shape: Shape) => Value,
): Operator {
  return {
    build: (node) => typed(build(node, shapeOf(node)), node.type(0)),
    evaluate(node) {
      const { numbers, shape: own } = node.tensor(0);
      const shape = shapeOf(node);
      node.checkSizes(shape, 0);
      const isShape = numbers !== undefined && elementCount(shape) <= maxKnownFill;
      if (!isEmpty(shape) && !isShape) return undefined;
      const offset = shape.length - own.length;
      return [
        placed(node, node.tensor(0), shape, (at) =>
          own.map((size, axis) => at[axis + offset]! % size),
        ),
      ];
    },
  };
}

/** The axes of Squeeze, Unsqueeze and their like: an attribute until operator set 12, an input from 13 on. */
function axesOf(node: NodeContext): number[] | undefined {
  if (node.opset < 13) return node.ints("axes");
  return node.has(1) ? node.known(1) : undefined;
}

function squeezedShape(node: NodeContext): Shape {
  const shape = node.shape(0);
  const axes = axesOf(node)?.map((axis) => normalizedAxis(node, axis, shape.length));
  const gone = axes ?? [...shape.keys()].filter((axis) => shape[axis] === 1);
  for (const axis of gone) {
    if (shape[axis] === 1) continue;
    throw new FormatError(
      `${node.where}: axis ${axis} of ${formatShape(shape)} has size ${shape[axis]}; only axes of size 1 can go.`,
    );
  }
  return shape.filter((_, axis) => !gone.includes(axis));
}

function unsqueezedShape(node: NodeContext): Shape {
  const shape = node.shape(0);
  const axes = axesOf(node) ?? [];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalizedAxis(node, axis, rank)));
  if (added.size !== axes.length) {
    throw new FormatError(`${node.where}: axes ${axes.join(", ")}: expected different ones.`);
  }
  const rest = [...shape];
  return Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : rest.shift()!));
}

/** Sizes of Reshape: 0 keeps a size (unless `allowzero`), −1 is worked out. */
function reshapedShape(node: NodeContext): Shape {
  const shape = node.shape(0);
  const wanted = [...(node.opset >= 5 ? node.known(1) : (node.ints("shape") ?? []))];
  const { batch } = node;
  // A file for one image says 1 where the batch stands.
  if (batch !== undefined && wanted[0] === batch.declared && shape[0] === batch.actual) {
    wanted[0] = batch.actual;
  }
  const keepsZero = node.int("allowzero", 0) !== 0;
  const sizes = wanted.map((size, axis) => (size === 0 && !keepsZero ? (shape[axis] ?? 0) : size));
  const rest = elementCount(sizes.filter((size) => size !== -1));
  const open = rest === 0 ? 0 : elementCount(shape) / rest;
  const fits = sizes.every((size) => size >= -1) && Number.isInteger(open);
  if (!fits || sizes.filter((size) => size === -1).length > 1) {
    throw new FormatError(
      `${node.where}: ${formatShape(shape)} does not fit the sizes ${formatShape(wanted)}.`,
    );
  }
  return sizes.map((size) => (size === -1 ? open : size));
}

/** Copies along each axis: one number for all of them before operator set 6. */
function repeats(node: NodeContext): number[] {
  const shape = node.shape(0);
  const counts = node.known(1);
  if (node.opset < 6) {
    const axis = normalizedAxis(node, node.knownScalar(2, 0), shape.length);
    return shape.map((_, a) => (a === axis ? counts[0]! : 1));
  }
  if (counts.length !== shape.length || counts.some((count) => !(count >= 0))) {
    throw new FormatError(
      `${node.where}: repeats ${counts.join(", ")} for ${formatShape(shape)}; expected a count for each axis.`,
    );
  }
  return counts;
}

function tile(node: NodeContext, shape: Shape): Value {
  let x = node.raw(0);
  for (const [axis, size] of shape.entries()) {
    const own = x.shape[axis]!;
    if (size === own) continue;
    const [before, after] = [x.shape.slice(0, axis), x.shape.slice(axis + 1)];
    const spread = [...before, size / own, own, ...after];
    x = reshape(broadcastTo(reshape(x, [...before, 1, own, ...after]), spread), [
      ...before,
      size,
      ...after,
    ]);
  }
  return x;
}

function flattenedShape(node: NodeContext): Shape {
  const shape = node.shape(0);
  const axis = cuttingAxis(node, node.int("axis", 1), shape.length);
  return [elementCount(shape.slice(0, axis)), elementCount(shape.slice(axis))];
}

/** A tensor from a message inside the node. */
function fromProto(proto: TensorProto, where: string): KnownTensor {
  const { shape, elementType } = tensorHeader(proto, where);
  return known(tensorData(proto, where), shape, elementType);
}

/** Constant: a tensor, or numbers in attributes from operator set 12 on. */
function constant(node: NodeContext): KnownTensor[] {
  const proto = node.tensorAttribute("value");
  if (proto !== undefined) return [fromProto(proto, node.where)];
  const [floats, ints] = [node.floats("value_floats"), node.ints("value_ints")];
  if (floats !== undefined) return [known(Float32Array.from(floats), undefined, "float32")];
  if (ints !== undefined) return [known(ints)];
  if (node.hasAttribute("value_float")) {
    return [known([node.float("value_float", 0)], [], "float32")];
  }
  if (node.hasAttribute("value_int")) return [known([node.int("value_int", 0)], [])];
  throw new UnsupportedError(
    `${node.where}: expected its number in value, value_float, value_floats, value_int or value_ints.`,
  );
}

function fillOf(node: NodeContext): { fill: number; elementType: ElementType; shape: Shape } {
  const shape = node.known(0);
  if (shape.some((size) => !(size >= 0))) {
    throw new FormatError(`${node.where}: there is no shape ${formatShape(shape)}.`);
  }
  const proto = node.tensorAttribute("value");
  const value = proto === undefined ? known([0], [], "float32") : fromProto(proto, node.where);
  return { fill: value.numbers[0] ?? 0, elementType: value.elementType, shape };
}

const constantOfShape: Operator = {
  build(node): OnnxTensor {
    const { fill, elementType, shape } = fillOf(node);
    return typed(broadcastTo(node.builder.constant(fill), shape), elementType);
  },
  evaluate(node) {
    if (node.tensor(0).numbers === undefined) return undefined;
    const { fill, elementType, shape } = fillOf(node);
    const count = elementCount(shape);
    if (count > maxKnownFill) return undefined;
    node.charge(count);
    return [known(new Float64Array(count).fill(fill), shape, elementType)];
  },
};

function range(node: NodeContext): KnownTensor[] {
  const [start, limit, step] = [0, 1, 2].map((index) => node.knownScalar(index, 0)) as [
    number,
    number,
    number,
  ];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  if (Number.isNaN(count)) throw new FormatError(`${node.where}: a step of 0 has no end.`);
  node.charge(count);
  const type = node.type(0);
  const numbers = Array.from({ length: count }, (_, i) => start + i * step);
  return [
    known(
      elementTypes[type].dtype === "int32" ? numbers : Float32Array.from(numbers),
      undefined,
      type,
    ),
  ];
}

function shape(node: NodeContext): KnownTensor[] {
  const sizes = node.shape(0);
  const [start, end] = [node.int("start", 0), node.int("end", sizes.length)];
  return [known(sizes.slice(start, end))];
}

/** Operators that give a tensor another shape, or repeat what is there. */
export const forms: Operators = {
  Flatten: reshaping(flattenedShape),
  Reshape: reshaping(reshapedShape),
  Squeeze: reshaping(squeezedShape),
  Unsqueeze: reshaping(unsqueezedShape),
  ConstantOfShape: constantOfShape,
  Expand: repeating(
    (node) => broadcastShapes([node.shape(0), node.known(1)], node.where),
    (node, shape) => broadcastTo(node.raw(0), shape),
  ),
  Tile: repeating((node) => {
    const counts = repeats(node);
    return node.shape(0).map((size, axis) => size * counts[axis]!);
  }, tile),
};

/** Operators that are computed at import or not at all. */
export const facts: Evaluators = {
  Constant: constant,
  Range: range,
  Shape: shape,
  Size: (node) => [known([elementCount(node.shape(0))], [])],
};
