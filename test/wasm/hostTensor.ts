/**
 * Tensors on the host for kernel tests: row-major logical data, plain loops in float64, and the
 * way to and from the order of the WebAssembly backend.
 */
import { toLogical, toPhysical } from "../../src/backends/wasm/layout.ts";
import { bitsToUniform, randomBits } from "../../src/core/random.ts";
import { elementCount, rowMajorStrides, type Shape } from "../../src/core/shape.ts";
import type { Expression } from "../../src/graph/expression.ts";

export interface HostTensor {
  readonly shape: Shape;
  readonly dtype: "float32" | "int32";
  /** Row-major in the logical order. */
  readonly data: Float32Array | Int32Array;
}

/** Seeded numbers between `low` and `high`, rounded to the type. */
export function randomTensor(
  shape: Shape,
  seed: number,
  { low = -2, high = 2, dtype = "float32" as "float32" | "int32" } = {},
): HostTensor {
  const count = elementCount(shape);
  const data = dtype === "int32" ? new Int32Array(count) : new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const uniform = bitsToUniform(randomBits({ k0: seed, k1: 77 }, i));
    const value = low + (high - low) * uniform;
    data[i] = dtype === "int32" ? Math.round(value) : value;
  }
  return { shape, dtype, data };
}

/** The tensor's elements in the order of the backend. */
export function physical(tensor: HostTensor): Float32Array | Int32Array {
  const { data, shape } = tensor;
  if (data instanceof Float32Array) {
    const result = new Float32Array(data.length);
    toPhysical(data, shape, result);
    return result;
  }
  const result = new Int32Array(data.length);
  toPhysical(data, shape, result);
  return result;
}

/** Elements in the order of the backend, back in row-major logical order. */
export function logical(data: Float32Array | Int32Array, shape: Shape): number[] {
  if (data instanceof Float32Array) {
    const result = new Float32Array(data.length);
    toLogical(data, shape, result);
    return [...result];
  }
  const result = new Int32Array(data.length);
  toLogical(data, shape, result);
  return [...result];
}

/** Calls `visit` with the coordinates of every element, row-major. */
export function forEachIndex(shape: Shape, visit: (index: number[], flat: number) => void): void {
  const strides = rowMajorStrides(shape);
  const count = elementCount(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(
      shape.map((size, axis) => Math.floor(flat / strides[axis]!) % size),
      flat,
    );
  }
}

/** The element of a broadcast tensor at the coordinates of a larger one. */
export function elementAt(tensor: HostTensor, index: readonly number[]): number {
  const strides = rowMajorStrides(tensor.shape);
  const skip = index.length - tensor.shape.length;
  let flat = 0;
  for (const [axis, size] of tensor.shape.entries()) {
    if (size > 1) flat += index[skip + axis]! * strides[axis]!;
  }
  return tensor.data[flat]!;
}

/** A scalar expression in float64. */
export function evaluate(expression: Expression, inputs: readonly number[]): number {
  if (expression.kind === "input") return inputs[expression.index]!;
  if (expression.kind === "constant") return expression.value;
  const [a, b, c] = expression.arguments.map((argument) => evaluate(argument, inputs)) as [
    number,
    number,
    number,
  ];
  switch (expression.function) {
    case "add":
      return a + b;
    case "subtract":
      return a - b;
    case "multiply":
      return a * b;
    case "divide":
      return a / b;
    case "minimum":
      return Math.min(a, b);
    case "maximum":
      return Math.max(a, b);
    case "power":
      return a ** b;
    case "less":
      return Number(a < b);
    case "lessEqual":
      return Number(a <= b);
    case "equal":
      return Number(a === b);
    case "multiplyAdd":
      return a * b + c;
    case "select":
      return a !== 0 ? b : c;
    case "negate":
      return -a;
    case "absolute":
      return Math.abs(a);
    case "squareRoot":
      return Math.sqrt(a);
    case "exponential":
      return Math.exp(a);
    case "logarithm":
      return Math.log(a);
    case "tanh":
      return Math.tanh(a);
    case "erf":
      return errorFunction(a);
    case "sine":
      return Math.sin(a);
    case "cosine":
      return Math.cos(a);
    case "floor":
      return Math.floor(a);
    case "round": {
      const whole = Math.round(a);
      return Math.abs(a % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
    }
  }
}

/** erf from its series, and from the continued fraction of erfc above 2. */
export function errorFunction(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x) || x === 0) return x;
  if (a > 6) return Math.sign(x);
  if (a < 2) {
    let term = x;
    let sum = x;
    for (let n = 1; n < 80; n++) {
      term *= (-x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

/** Largest difference relative to `max(1, |expected|)`, NaN and infinities compared as such. */
export function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i]!;
    const e = expected[i]!;
    if (Object.is(a, e) || a === e) continue;
    const error = Math.abs(a - e) / Math.max(1, Math.abs(e));
    worst = Math.max(worst, Number.isNaN(error) ? Infinity : error);
  }
  return worst;
}
