import { FormatError } from "../../../core/errors.ts";
import { elementCount, formatShape, type Shape } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { input, scalar as s } from "../../../graph/expression.ts";
import { take } from "../../../graph/ops/axisMap.ts";
import { concat as join } from "../../../graph/ops/concat.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { matmul } from "../../../graph/ops/matmul.ts";
import { type PadMode, pad as padded } from "../../../graph/ops/pad.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { slice as block, split as parts } from "../../../graph/ops/slice.ts";
import { transpose as reorder } from "../../../graph/ops/transpose.ts";
import type { NodeContext } from "../nodeContext.ts";
import { isEmpty, type KnownTensor, known, type OnnxTensor, sizeOf, typed } from "../onnxTensor.ts";
import { normalizedAxis } from "./axes.ts";
import { framed } from "./frame.ts";
import { isKnownResult, placed } from "./knownPlaces.ts";
import type { Operator, Operators } from "./operator.ts";

function joinedAxis(node: NodeContext): number {
  return normalizedAxis(node, node.int("axis", 1), node.shape(0).length);
}

/** Tensors one behind another; those without elements add nothing. */
const concat: Operator = {
  build(node) {
    const axis = joinedAxis(node);
    const filled = node.indices().filter((index) => !isEmpty(node.shape(index)));
    const same = filled.every((index) => node.raw(index).dtype === node.raw(filled[0]!).dtype);
    return join(
      filled.map((index) => (same ? node.raw(index) : node.input(index))),
      axis,
    );
  },
  evaluate(node) {
    const tensors = node.tensors();
    if (tensors.some(({ numbers }) => numbers === undefined)) return undefined;
    const axis = joinedAxis(node);
    const { shape: first, elementType } = tensors[0]!;
    for (const { shape } of tensors) {
      const fits = shape.length === first.length;
      if (fits && shape.every((size, a) => a === axis || size === first[a])) continue;
      throw new FormatError(
        `${node.where}: ${tensors.map((t) => formatShape(t.shape)).join(", ")} differ in more than axis ${axis}.`,
      );
    }
    const total = tensors.reduce((sum, { shape }) => sum + shape[axis]!, 0);
    const shape = first.map((size, a) => (a === axis ? total : size));
    node.charge(elementCount(shape));
    const outer = elementCount(first.slice(0, axis));
    const result: number[] = [];
    for (let row = 0; row < outer; row++) {
      for (const tensor of tensors) {
        const width = sizeOf(tensor) / outer;
        for (let i = 0; i < width; i++) result.push(tensor.numbers![row * width + i]!);
      }
    }
    return [known(result, shape, elementType)];
  },
};

/** Sizes of the parts of Split. */
function partSizes(node: NodeContext, size: number): number[] {
  const given = node.has(1) ? node.known(1) : node.ints("split");
  if (given !== undefined) {
    if (given.some((part) => part < 0) || given.reduce((a, b) => a + b, 0) !== size) {
      throw new FormatError(
        `${node.where}: parts ${given.join(", ")} of ${size} elements; expected sizes that add up.`,
      );
    }
    return given;
  }
  const count = node.outputCount;
  const wanted = node.opset >= 18 ? node.int("num_outputs", count) : count;
  if (wanted !== count) {
    throw new FormatError(
      `${node.where}: num_outputs is ${wanted}, but there are ${count} outputs.`,
    );
  }
  const each = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.min(each, Math.max(0, size - i * each)));
}

const split: Operator = {
  build(node) {
    const x = node.raw(0);
    const axis = normalizedAxis(node, node.int("axis", 0), x.shape.length);
    const sizes = partSizes(node, x.shape[axis]!);
    const values = parts(
      x,
      axis,
      sizes.filter((size) => size > 0),
    );
    return sizes.map((size) =>
      size > 0
        ? typed(values.shift()!, node.type(0))
        : known([], resized(x.shape, axis, 0), node.type(0)),
    );
  },
  evaluate(node) {
    const tensor = node.tensor(0);
    if (tensor.numbers === undefined) return undefined;
    const axis = normalizedAxis(node, node.int("axis", 0), tensor.shape.length);
    let start = 0;
    return partSizes(node, tensor.shape[axis]!).map((size) => {
      const from = start;
      start += size;
      return placed(node, tensor, resized(tensor.shape, axis, size), (at) =>
        at.map((index, a) => (a === axis ? index + from : index)),
      );
    });
  },
};

function resized(shape: Shape, axis: number, size: number): number[] {
  return shape.map((own, a) => (a === axis ? size : own));
}

/** The positions `start`, `start + step`, … of one axis. */
interface Steps {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** What Slice takes of each axis: attributes until operator set 9, inputs from 10 on. */
function slicedSteps(node: NodeContext): Steps[] {
  const shape = node.shape(0);
  const fromInputs = node.opset >= 10;
  const list = (index: number, name: string) =>
    fromInputs ? (node.has(index) ? node.known(index) : undefined) : node.ints(name);
  const starts = list(1, "starts") ?? [];
  const ends = list(2, "ends") ?? [];
  const axes = list(3, "axes") ?? starts.map((_, i) => i);
  const steps = list(4, "steps") ?? starts.map(() => 1);
  const result = shape.map((count): Steps => ({ start: 0, step: 1, count }));
  if ([ends, axes, steps].some(({ length }) => length !== starts.length)) {
    throw new FormatError(
      `${node.where}: ${starts.length} starts, ${ends.length} ends, ${axes.length} axes, ${steps.length} steps; expected as many of each.`,
    );
  }
  for (const [i, given] of axes.entries()) {
    const axis = normalizedAxis(node, given, shape.length);
    const size = shape[axis]!;
    const step = steps[i]!;
    if (step === 0) throw new FormatError(`${node.where}: a step of 0.`);
    const [lowest, highest] = step > 0 ? [0, size] : [-1, size - 1];
    const place = (at: number) => Math.min(Math.max(at < 0 ? at + size : at, lowest!), highest!);
    const start = place(starts[i]!);
    const count = Math.max(0, Math.ceil((place(ends[i]!) - start) / step));
    result[axis] = { start, step, count };
  }
  return result;
}

const slice: Operator = {
  build(node) {
    let x = node.raw(0);
    for (const [axis, { start, step, count }] of slicedSteps(node).entries()) {
      if (step === 1) {
        if (count !== x.shape[axis]) x = block(x, axis, start, start + count);
        continue;
      }
      node.chargeTable(count);
      const indices = Array.from({ length: count }, (_, i) => start + i * step);
      x = take(x, axis, indices);
    }
    return x;
  },
  evaluate(node) {
    const tensor = node.tensor(0);
    const steps = slicedSteps(node);
    const shape = steps.map(({ count }) => count);
    if (!isKnownResult(tensor, shape)) return undefined;
    const from = (at: readonly number[]) =>
      steps.map(({ start, step }, axis) => start + at[axis]! * step);
    return [placed(node, tensor, shape, from)];
  },
};

/** Indices counted from the front; refuses those outside. */
function gatheredIndices(node: NodeContext, numbers: ArrayLike<number>, size: number): number[] {
  return Array.from(numbers, (given) => {
    const index = given < 0 ? given + size : given;
    if (Number.isInteger(index) && index >= 0 && index < size) return index;
    throw new FormatError(`${node.where}: index ${given} is outside an axis of ${size} elements.`);
  });
}

/**
 * Rows of a table by their numbers. Numbers that are known pick positions; numbers that the graph computes become rows of a
 * product with zeros and ones, so they cost as a matrix product does.
 */
const gather: Operator = {
  build(node) {
    const x = node.input(0);
    const axis = normalizedAxis(node, node.int("axis", 0), x.shape.length);
    const { numbers, shape: places } = node.tensor(1);
    const [before, size, after] = [x.shape.slice(0, axis), x.shape[axis]!, x.shape.slice(axis + 1)];
    if (numbers !== undefined) {
      node.chargeTable(numbers.length);
      const picked = take(x, axis, gatheredIndices(node, numbers, size));
      return reshape(picked, [...before, ...places, ...after]);
    }
    const order = [axis, ...x.shape.keys()].filter((a, i) => i === 0 || a !== axis);
    const table = reshape(axis === 0 ? x : reorder(x, order), [size, -1]);
    const column = reshape(node.input(1), [-1, 1]);
    node.charge(size);
    const counted = node.builder.constant(
      Float32Array.from({ length: size }, (_, i) => i),
      [1, size],
    );
    const index = s.select(s.less(input(0), 0), s.add(input(0), size), input(0));
    const rows = matmul(elementwise([column, counted], s.equal(index, input(1))), table);
    const spread = reshape(rows, [elementCount(places), ...before, ...after]);
    const moved = [...before.map((_, a) => a + 1), 0, ...after.map((_, a) => a + 1 + axis)];
    return reshape(axis === 0 ? spread : reorder(spread, moved), [...before, ...places, ...after]);
  },
  evaluate(node) {
    const [tensor, { numbers, shape: places }] = [node.tensor(0), node.tensor(1)];
    const axis = normalizedAxis(node, node.int("axis", 0), tensor.shape.length);
    const shape = [...tensor.shape.slice(0, axis), ...places, ...tensor.shape.slice(axis + 1)];
    if (numbers === undefined || !isKnownResult(tensor, shape)) return undefined;
    const indices = gatheredIndices(node, numbers, tensor.shape[axis]!);
    const depth = places.length;
    const from = (at: readonly number[]) => {
      let row = 0;
      for (let i = 0; i < depth; i++) row = row * places[i]! + at[axis + i]!;
      return [...at.slice(0, axis), indices[row]!, ...at.slice(axis + depth)];
    };
    return [placed(node, tensor, shape, from)];
  },
};

const transpose: Operator = {
  build: (node) => reorder(node.raw(0), permutation(node)),
  evaluate(node) {
    const tensor = node.tensor(0);
    const order = permutation(node);
    const shape = order.map((axis) => tensor.shape[axis]!);
    if (!isKnownResult(tensor, shape)) return undefined;
    return [placed(node, tensor, shape, (at) => order.map((_, axis) => at[order.indexOf(axis)]!))];
  },
};

function permutation(node: NodeContext): number[] {
  const rank = node.shape(0).length;
  const order = node.ints("perm") ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const sorted = [...order].sort((a, b) => a - b);
  if (order.length !== rank || sorted.some((axis, i) => axis !== i)) {
    throw new FormatError(`${node.where}: perm [${order.join(", ")}] is no order of ${rank} axes.`);
  }
  return order;
}

const padModes = { constant: "constant", reflect: "reflect", edge: "replicate", wrap: "circular" };

/** Elements put before and behind each axis; negative ones are cut off. */
function paddings(node: NodeContext): { before: number[]; after: number[] } {
  const rank = node.shape(0).length;
  const given =
    node.opset >= 11 ? node.known(1) : (node.ints(node.opset < 2 ? "paddings" : "pads") ?? []);
  const axes =
    node.opset >= 18 && node.has(3)
      ? node.known(3).map((axis) => normalizedAxis(node, axis, rank))
      : Array.from({ length: rank }, (_, axis) => axis);
  if (given.length !== 2 * axes.length) {
    throw new FormatError(
      `${node.where}: ${given.length} pads for ${axes.length} axes; expected two for each.`,
    );
  }
  const [before, after] = [new Array<number>(rank).fill(0), new Array<number>(rank).fill(0)];
  for (const [i, axis] of axes.entries()) {
    before[axis] = given[i]!;
    after[axis] = given[i + axes.length]!;
  }
  return { before, after };
}

function pad(node: NodeContext): Value {
  const choices = Object.keys(padModes) as (keyof typeof padModes)[];
  const mode = padModes[node.choice("mode", choices, "constant")] as PadMode;
  const { before, after } = paddings(node);
  const value = node.opset >= 11 ? node.knownScalar(2, 0) : node.float("value", 0);
  const x = mode === "constant" ? node.raw(0) : node.input(0);
  const sizes = x.shape.map((size, axis) => size + before[axis]! + after[axis]!);
  node.checkSizes(sizes);
  if (mode === "constant") {
    return framed(
      x,
      before.map((b) => -b),
      sizes,
      value,
    );
  }
  // What is cut off goes first: the border mirrors what is left.
  const grown = (sides: readonly number[]) => sides.map((side) => Math.max(0, side));
  const inner = x.shape.map(
    (size, axis) => size + Math.min(0, before[axis]!) + Math.min(0, after[axis]!),
  );
  const cut = framed(
    x,
    before.map((b) => Math.max(0, -b)),
    inner,
  );
  node.chargeTable(sizes.reduce((sum, size) => sum + size, 0));
  return padded(cut, { before: grown(before), after: grown(after), mode });
}

/** The middle of each axis, cut out or put into zeros. */
function centerCropPad(node: NodeContext): Value {
  const x = node.raw(0);
  const wanted = node.known(1);
  const rank = x.shape.length;
  const axes = (node.ints("axes") ?? [...x.shape.keys()]).map((axis) =>
    normalizedAxis(node, axis, rank),
  );
  if (axes.length !== wanted.length) {
    throw new FormatError(`${node.where}: ${wanted.length} sizes for ${axes.length} axes.`);
  }
  const sizes = [...x.shape];
  for (const [i, axis] of axes.entries()) sizes[axis] = wanted[i]!;
  node.checkSizes(sizes);
  const starts = x.shape.map((size, axis) =>
    sizes[axis]! > size
      ? -Math.floor((sizes[axis]! - size) / 2)
      : Math.floor((size - sizes[axis]!) / 2),
  );
  return framed(x, starts, sizes);
}

/** The block size and the shape of DepthToSpace and SpaceToDepth, `[N, C, H, W]` with its divisibility checked. */
function blocks(node: NodeContext, divides: (shape: Shape, size: number) => boolean) {
  const x = node.input(0);
  const size = node.int("blocksize", 0);
  if (x.shape.length !== 4 || !(size >= 1) || !divides(x.shape, size)) {
    throw new FormatError(
      `${node.where}: ${formatShape(x.shape)} does not divide into blocks of ${size}.`,
    );
  }
  return { x, size };
}

function depthToSpace(node: NodeContext): Value {
  const { x, size: b } = blocks(node, ([, c], size) => c! % size ** 2 === 0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const rest = c / b ** 2;
  const isDepthFirst = node.choice("mode", ["DCR", "CRD"], "DCR") === "DCR";
  const cut = reshape(x, isDepthFirst ? [n, b, b, rest, h, w] : [n, rest, b, b, h, w]);
  const order = isDepthFirst ? [0, 3, 4, 1, 5, 2] : [0, 1, 4, 2, 5, 3];
  return reshape(reorder(cut, order), [n, rest, h * b, w * b]);
}

function spaceToDepth(node: NodeContext): Value {
  const { x, size: b } = blocks(node, ([, , h, w], size) => h! % size === 0 && w! % size === 0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const cut = reshape(x, [n, c, h / b, b, w / b, b]);
  return reshape(reorder(cut, [0, 3, 5, 1, 2, 4]), [n, c * b * b, h / b, w / b]);
}

const identity: Operator = {
  build: (node): OnnxTensor =>
    node.tensor(0).value === undefined ? typed(node.raw(0), node.type(0)) : node.tensor(0),
  evaluate(node): KnownTensor[] | undefined {
    const { numbers, ...tensor } = node.tensor(0);
    return numbers === undefined ? undefined : [known(numbers, tensor.shape, tensor.elementType)];
  },
};

/** Of each matrix what lies on one side of a diagonal; 0 on the other. */
function trilu(node: NodeContext): Value {
  const x = node.input(0);
  const [rows, columns] = x.shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw new FormatError(`${node.where}: ${formatShape(x.shape)} are no matrices.`);
  }
  const diagonal = node.knownScalar(1, 0);
  const isUpper = node.int("upper", 1) !== 0;
  node.charge(rows * columns);
  const kept = Float32Array.from({ length: rows * columns }, (_, i) => {
    const offset = (i % columns) - Math.floor(i / columns);
    return (isUpper ? offset >= diagonal : offset <= diagonal) ? 1 : 0;
  });
  const mask = node.builder.constant(kept, [rows, columns]);
  return elementwise([mask, x], s.select(input(0), input(1), 0));
}

/** One of two values along a new axis: the second at the index, the first elsewhere. */
function oneHot(node: NodeContext): OnnxTensor {
  const shape = node.shape(0);
  const depth = node.knownScalar(1, 0);
  const [off = 0, on = 1] = node.known(2);
  const axis = normalizedAxis(node, node.int("axis", -1), shape.length + 1);
  node.checkSizes([depth]);
  node.charge(depth);
  const spread = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  const counted = node.builder.constant(
    Float32Array.from({ length: depth }, (_, i) => i),
    [depth, ...shape.slice(axis).map(() => 1)],
  );
  const index = s.select(s.less(input(0), 0), s.add(input(0), depth), input(0));
  const chosen = s.select(s.equal(index, input(1)), on, off);
  return typed(elementwise([reshape(node.input(0), spread), counted], chosen), node.type(2));
}

/** Operators that move elements. */
export const places: Operators = {
  CenterCropPad: { build: centerCropPad },
  Concat: concat,
  DepthToSpace: { build: depthToSpace },
  Gather: gather,
  Identity: identity,
  OneHot: { build: oneHot },
  Pad: { build: pad },
  Slice: slice,
  SpaceToDepth: { build: spaceToDepth },
  Split: split,
  Transpose: transpose,
  Trilu: { build: trilu },
};
