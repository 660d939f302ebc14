/**
 * Scalar expressions: the arithmetic of an element-wise operation as plain data. Unary functions,
 * fused chains and optimiser updates are all expressions; a backend generates its code from them,
 * so what is not in {@link ScalarFunction} cannot be computed element by element.
 *
 * Truth values are the numbers 0 and 1. Comparisons with NaN are false.
 */
export type Expression =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | {
      readonly kind: "call";
      readonly function: ScalarFunction;
      readonly arguments: readonly Expression[];
    };

/** Arity of each scalar function. */
export const scalarFunctions = {
  /** a + b */
  add: 2,
  /** a − b */
  subtract: 2,
  /** a · b */
  multiply: 2,
  /** a / b */
  divide: 2,
  /** the smaller; NaN if either is */
  minimum: 2,
  /** the larger; NaN if either is */
  maximum: 2,
  /** aᵇ for a ≥ 0, and for a < 0 with b an integer */
  power: 2,
  /** a < b */
  less: 2,
  /** a ≤ b */
  lessEqual: 2,
  /** a = b */
  equal: 2,
  /** a · b + c, rounded once */
  multiplyAdd: 3,
  /** b if a ≠ 0, else c; the branch not taken may be anything, NaN too */
  select: 3,
  negate: 1,
  absolute: 1,
  squareRoot: 1,
  /** eᵃ */
  exponential: 1,
  /** natural logarithm; −∞ at 0, NaN below */
  logarithm: 1,
  tanh: 1,
  /** 2/√π ∫₀ᵃ e^(−t²) dt */
  erf: 1,
  sine: 1,
  cosine: 1,
  floor: 1,
  /** nearest integer, halves to the even one */
  round: 1,
} as const;

export type ScalarFunction = keyof typeof scalarFunctions;

/** An operand: an expression, or a number standing for a constant. */
export type Operand = Expression | number;

/** The element of input number `index`. */
export function input(index: number): Expression {
  return { kind: "input", index };
}

export function constant(value: number): Expression {
  return { kind: "constant", value };
}

function operand(value: Operand): Expression {
  return typeof value === "number" ? constant(value) : value;
}

/** Applies a scalar function. */
export function call(name: ScalarFunction, ...operands: readonly Operand[]): Expression {
  return { kind: "call", function: name, arguments: operands.map(operand) };
}

/** Short constructors, so that tables of formulas read like formulas. */
export const scalar = {
  add: (a: Operand, b: Operand) => call("add", a, b),
  sub: (a: Operand, b: Operand) => call("subtract", a, b),
  mul: (a: Operand, b: Operand) => call("multiply", a, b),
  div: (a: Operand, b: Operand) => call("divide", a, b),
  min: (a: Operand, b: Operand) => call("minimum", a, b),
  max: (a: Operand, b: Operand) => call("maximum", a, b),
  pow: (a: Operand, b: Operand) => call("power", a, b),
  less: (a: Operand, b: Operand) => call("less", a, b),
  lessEqual: (a: Operand, b: Operand) => call("lessEqual", a, b),
  equal: (a: Operand, b: Operand) => call("equal", a, b),
  fma: (a: Operand, b: Operand, c: Operand) => call("multiplyAdd", a, b, c),
  select: (a: Operand, b: Operand, c: Operand) => call("select", a, b, c),
  neg: (a: Operand) => call("negate", a),
  abs: (a: Operand) => call("absolute", a),
  sqrt: (a: Operand) => call("squareRoot", a),
  exp: (a: Operand) => call("exponential", a),
  log: (a: Operand) => call("logarithm", a),
  tanh: (a: Operand) => call("tanh", a),
  erf: (a: Operand) => call("erf", a),
  sin: (a: Operand) => call("sine", a),
  cos: (a: Operand) => call("cosine", a),
  floor: (a: Operand) => call("floor", a),
  round: (a: Operand) => call("round", a),
} as const;

/** Replaces `input(i)` by `replacements[i]`: composition of expressions. */
export function substitute(
  expression: Expression,
  replacements: readonly (Expression | undefined)[],
): Expression {
  const done = new Map<Expression, Expression>();
  const visit = (e: Expression): Expression => {
    if (e.kind === "input") return replacements[e.index] ?? e;
    if (e.kind === "constant") return e;
    let result = done.get(e);
    if (result === undefined) {
      result = { kind: "call", function: e.function, arguments: e.arguments.map(visit) };
      done.set(e, result);
    }
    return result;
  };
  return visit(expression);
}

/** Number of calls in an expression that shares nothing: what it costs to compute it once more. */
export function expressionCost(expression: Expression): number {
  const seen = new Set<Expression>();
  const visit = (e: Expression): number => {
    if (e.kind !== "call" || seen.has(e)) return 0;
    seen.add(e);
    const own = costs[e.function] ?? 1;
    return e.arguments.reduce((sum, argument) => sum + visit(argument), own);
  };
  return visit(expression);
}

const costs: Partial<Record<ScalarFunction, number>> = {
  divide: 4,
  squareRoot: 4,
  exponential: 16,
  logarithm: 16,
  tanh: 20,
  erf: 20,
  sine: 20,
  cosine: 20,
  power: 36,
};

const symbols: Partial<Record<ScalarFunction, string>> = {
  add: "+",
  subtract: "-",
  multiply: "*",
  divide: "/",
  less: "<",
  lessEqual: "<=",
  equal: "==",
};

/** Readable form, inputs as `x0`, `x1`, …: `max((x0 + x1), 0)`. Equal text means equal expressions. */
export function formatExpression(expression: Expression): string {
  if (expression.kind === "input") return `x${expression.index}`;
  if (expression.kind === "constant") return String(expression.value);
  const parts = expression.arguments.map(formatExpression);
  const symbol = symbols[expression.function];
  if (symbol !== undefined) return `(${parts.join(` ${symbol} `)})`;
  return `${expression.function}(${parts.join(", ")})`;
}
