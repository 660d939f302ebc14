import type { Value } from "../../../graph/builder.ts";
import {
  add,
  divide,
  less,
  maximum,
  minimum,
  multiply,
  power,
  subtract,
} from "../../../graph/ops/binary.ts";
import { abs, exp, log, relu, sigmoid, sqrt, tanh } from "../../../graph/ops/unary.ts";
import type { Importer, Importers } from "./operator.ts";

const unary =
  (f: (x: Value) => Value): Importer =>
  (node) =>
    f(node.input(0));

const binary =
  (f: (x: Value, y: Value) => Value): Importer =>
  (node) =>
    f(node.input(0), node.input(1));

const variadic =
  (f: (x: Value, y: Value) => Value): Importer =>
  (node) =>
    node.inputs().reduce((x, y) => f(x, y));

/** Operators that work on each element by itself; opset 7 and later, where shapes broadcast as in NumPy. */
export const pointwise: Importers = {
  Abs: unary(abs),
  Exp: unary(exp),
  Log: unary(log),
  Relu: unary(relu),
  Sigmoid: unary(sigmoid),
  Sqrt: unary(sqrt),
  Tanh: unary(tanh),
  Neg: unary((x) => multiply(x, -1)),
  Reciprocal: unary((x) => divide(1, x)),
  Identity: unary((x) => x),
  Softsign: unary((x) => divide(x, add(abs(x), 1))),
  ThresholdedRelu(node) {
    const x = node.input(0);
    return multiply(x, less(node.float("alpha", 1), x));
  },
  Swish(node) {
    const x = node.input(0);
    return multiply(x, sigmoid(multiply(x, node.float("alpha", 1))));
  },
  HardSigmoid(node) {
    const x = multiply(node.input(0), node.float("alpha", 0.2));
    return minimum(maximum(add(x, node.float("beta", 0.5)), 0), 1);
  },
  LeakyRelu(node) {
    const x = node.input(0);
    return add(relu(x), multiply(minimum(x, 0), node.float("alpha", 0.01)));
  },
  Add: binary(add),
  Sub: binary(subtract),
  Mul: binary(multiply),
  Div: binary(divide),
  Pow: binary(power),
  Sum: variadic(add),
  Max: variadic(maximum),
  Min: variadic(minimum),
  Mean(node) {
    const inputs = node.inputs();
    return divide(
      inputs.reduce((x, y) => add(x, y)),
      inputs.length,
    );
  },
};
