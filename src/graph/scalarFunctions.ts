import type { Expression, ScalarFunction } from "./expression.ts";

/**
 * erf(x) to double precision: a Taylor series where it converges fast, the complement's continued
 * fraction (Lentz) further out. Source: Abramowitz & Stegun 7.1.6 and 7.1.14.
 */
export function erf(x: number): number {
  const a = Math.abs(x);
  if (Number.isNaN(x)) return Number.NaN;
  if (a > 6) return Math.sign(x);
  if (a < 2.5) {
    let term = a;
    let sum = a;
    for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
      term *= (2 * a * a) / (2 * n + 1);
      sum += term;
      if (term === 0) break;
    }
    return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-a * a) * sum;
  }
  let fraction = 0;
  for (let k = 80; k >= 1; k--) fraction = k / 2 / (a + fraction);
  const complement = Math.exp(-a * a) / (Math.sqrt(Math.PI) * (a + fraction));
  return Math.sign(x) * (1 - complement);
}

/** To the nearest integer, halves to the even one, as IEEE 754 and ONNX round. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest < 0.5) return floor;
  if (rest > 0.5) return floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

const functions: { readonly [F in ScalarFunction]: (a: number, b: number, c: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  minimum: (a, b) => Math.min(a, b),
  maximum: (a, b) => Math.max(a, b),
  power: (a, b) => a ** b,
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  multiplyAdd: (a, b, c) => a * b + c,
  select: (a, b, c) => (a !== 0 ? b : c),
  negate: (a) => -a,
  absolute: Math.abs,
  squareRoot: Math.sqrt,
  exponential: Math.exp,
  logarithm: Math.log,
  tanh: Math.tanh,
  erf,
  sine: Math.sin,
  cosine: Math.cos,
  floor: Math.floor,
  round: roundHalfEven,
};

/** An expression as a function of its inputs' elements. */
export function evaluator(expression: Expression): (inputs: readonly number[]) => number {
  if (expression.kind === "constant") return () => expression.value;
  if (expression.kind === "input") return (inputs) => inputs[expression.index]!;
  const f = functions[expression.function];
  const [a, b, c] = expression.arguments.map(evaluator);
  const none = () => 0;
  const [first, second, third] = [a ?? none, b ?? none, c ?? none];
  return (inputs) => f(first(inputs), second(inputs), third(inputs));
}
