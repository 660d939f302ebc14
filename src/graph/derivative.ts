import { call, constant, type Expression, type ScalarFunction, scalar as s } from "./expression.ts";

type Partials = (
  a: Expression,
  b: Expression,
  c: Expression,
  self: Expression,
) => readonly (Expression | undefined)[];

/**
 * Partial derivatives of each scalar function with respect to its arguments; `undefined` where the
 * derivative is zero almost everywhere. Ties: `max(a, b)` and `min(a, b)` give everything to `a` when the
 * two are equal; `|0|′ = 0`.
 */
const partials: { readonly [F in ScalarFunction]: Partials } = {
  add: () => [constant(1), constant(1)],
  subtract: () => [constant(1), constant(-1)],
  multiply: (a, b) => [b, a],
  divide: (_a, b, _c, self) => [s.div(1, b), s.neg(s.div(self, b))],
  minimum: (a, b) => [s.lessEqual(a, b), s.less(b, a)],
  maximum: (a, b) => [s.lessEqual(b, a), s.less(a, b)],
  power: (a, b, _c, self) => [
    b.kind === "constant" && b.value === 2 ? s.mul(2, a) : s.mul(b, s.pow(a, s.sub(b, 1))),
    s.select(s.equal(a, 0), 0, s.mul(self, s.log(a))),
  ],
  less: () => [undefined, undefined],
  lessEqual: () => [undefined, undefined],
  equal: () => [undefined, undefined],
  multiplyAdd: (a, b) => [b, a, constant(1)],
  select: (a) => [undefined, s.select(a, 1, 0), s.select(a, 0, 1)],
  negate: () => [constant(-1)],
  absolute: (a) => [s.sub(s.less(0, a), s.less(a, 0))],
  squareRoot: (_a, _b, _c, self) => [s.div(0.5, self)],
  exponential: (_a, _b, _c, self) => [self],
  logarithm: (a) => [s.div(1, a)],
  tanh: (_a, _b, _c, self) => [s.sub(1, s.mul(self, self))],
  erf: (a) => [s.mul(2 / Math.sqrt(Math.PI), s.exp(s.neg(s.mul(a, a))))],
  sine: (a) => [s.cos(a)],
  cosine: (a) => [s.neg(s.sin(a))],
  floor: () => [undefined],
  round: () => [undefined],
};

/**
 * `∂expression/∂input(index)` by the chain rule, as an expression over the same inputs, or `undefined` where it
 * is zero. A `select` differentiates branch by branch, so that an infinite derivative in the branch not
 * taken does no harm.
 */
export function differentiate(expression: Expression, index: number): Expression | undefined {
  const done = new Map<Expression, Expression | undefined>();
  const visit = (e: Expression): Expression | undefined => {
    if (e.kind === "constant") return undefined;
    if (e.kind === "input") return e.index === index ? constant(1) : undefined;
    if (done.has(e)) return done.get(e);
    const inner = e.arguments.map(visit);
    let total: Expression | undefined;
    if (e.function === "select") {
      const [, yes, no] = inner;
      if (yes !== undefined || no !== undefined) {
        total = s.select(e.arguments[0]!, yes ?? 0, no ?? 0);
      }
    } else if (inner.some((d) => d !== undefined)) {
      const [a, b, c] = e.arguments;
      const outer = partials[e.function](a!, b!, c!, e);
      inner.forEach((d, i) => {
        const o = outer[i];
        if (d === undefined || o === undefined) return;
        const term = product(o, d);
        total = total === undefined ? term : call("add", total, term);
      });
    }
    done.set(e, total);
    return total;
  };
  return visit(expression);
}

function product(a: Expression, b: Expression): Expression {
  if (a.kind === "constant" && a.value === 1) return b;
  if (b.kind === "constant" && b.value === 1) return a;
  if (a.kind === "constant" && b.kind === "constant") return constant(a.value * b.value);
  return s.mul(a, b);
}
