import {
  call,
  type Expression,
  input,
  type ScalarFunction,
  scalar as s,
} from "../../../graph/expression.ts";
import { select } from "../../../graph/ops/binary.ts";
import { elementwise } from "../../../graph/ops/elementwise.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { isIntegerType, typed } from "../onnxTensor.ts";
import type { Pointwise } from "./pointwise.ts";
import { truncated } from "./unary.ts";

const [x, y] = [input(0), input(1)];

const arithmetic = (f: Expression, ofIntegers: Expression = f): Pointwise => ({
  expression: (node) => (isIntegerType(node.type(0)) ? ofIntegers : f),
});

const comparison = (f: Expression): Pointwise => ({ expression: () => f, type: () => "bool" });

/** The inputs from `first` on, `count` of them, joined by a function of two, in halves so that nothing grows deep. */
function joined(name: ScalarFunction, count: number, first = 0): Expression {
  if (count <= 1) return input(first);
  const half = Math.ceil(count / 2);
  return call(name, joined(name, half, first), joined(name, count - half, first + half));
}

/** As many operands as one node joins. */
const maxJoined = 8;

/** A function of two over any number of inputs. */
function variadic(
  name: ScalarFunction,
  after: (e: Expression, count: number) => Expression = (e) => e,
): Pointwise {
  return {
    expression(node) {
      const { length } = node.indices();
      return after(joined(name, length), length);
    },
    build(node) {
      let values = node.indices().map((index) => node.input(index));
      const count = values.length;
      while (values.length > maxJoined) {
        const groups = Math.ceil(values.length / maxJoined);
        values = Array.from({ length: groups }, (_, i) => {
          const group = values.slice(i * maxJoined, (i + 1) * maxJoined);
          return elementwise(group, joined(name, group.length));
        });
      }
      return elementwise(values, after(joined(name, values.length), count));
    },
  };
}

/** A power whose base is an integer is one too, and may be computed a little too small. */
const wholePower = truncated(s.mul(1 + 2 ** -21, s.pow(x, y)));

/** `a − b·⌊a/b⌋`: the sign of b, as Python's. */
const floorModulo = s.sub(x, s.mul(y, s.floor(s.div(x, y))));

/** `a − b·trunc(a/b)`: the sign of a, as C's. */
const truncatedModulo = s.sub(x, s.mul(y, truncated(s.div(x, y))));

/** Functions of two tensors or more, element by element. */
export const binaryRows: Readonly<Record<string, Pointwise>> = {
  Add: arithmetic(s.add(x, y)),
  Sub: arithmetic(s.sub(x, y)),
  Mul: arithmetic(s.mul(x, y)),
  Div: arithmetic(s.div(x, y), truncated(s.div(x, y))),
  Pow: arithmetic(s.pow(x, y), wholePower),
  Mod: {
    expression: (node) => (node.int("fmod", 0) === 0 ? floorModulo : truncatedModulo),
  },
  PRelu: {
    expression: () => s.select(s.less(x, 0), s.mul(x, y), x),
    build(node) {
      const [a, slope] = [node.input(0), node.input(1)];
      // Before operator set 7 a vector of slopes belonged to the channels.
      const perChannel = node.opset < 7 && slope.shape.length === 1;
      const spread = perChannel ? reshape(slope, [-1, ...a.shape.slice(2).map(() => 1)]) : slope;
      return elementwise([a, spread], s.select(s.less(x, 0), s.mul(x, y), x), "prelu");
    },
  },
  Max: variadic("maximum"),
  Min: variadic("minimum"),
  Sum: variadic("add"),
  Mean: variadic("add", (sum, count) => s.mul(sum, 1 / count)),
  Equal: comparison(s.equal(x, y)),
  Less: comparison(s.less(x, y)),
  LessOrEqual: comparison(s.lessEqual(x, y)),
  Greater: comparison(s.less(y, x)),
  GreaterOrEqual: comparison(s.lessEqual(y, x)),
  And: comparison(s.min(x, y)),
  Or: comparison(s.max(x, y)),
  Xor: comparison(s.sub(1, s.equal(x, y))),
  Where: {
    expression: () => s.select(x, y, input(2)),
    type: (node) => node.type(1),
    build: (node) => typed(select(node.input(0), node.input(1), node.input(2)), node.type(1)),
  },
};
