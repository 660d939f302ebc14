import {
  type Expression,
  formatExpression,
  type ScalarFunction,
} from "../../../graph/expression.ts";
import type { NodeList } from "./nodeList.ts";

/** How a scalar function is written: an operator with the same operands, or nodes of one's own. */
type FunctionWriter =
  | string
  | ((operands: readonly string[], list: NodeList, path: string) => string);

/** A comparison gives truth values; here as everywhere in the engine they are the numbers 0 and 1. */
function comparison(operator: string): FunctionWriter {
  return (operands, list, path) => asNumber(list.add(operator, operands, path), list, path);
}

function asNumber(truth: string, list: NodeList, path: string): string {
  return list.add("Cast", [truth], path, { to: { int: 1 } });
}

const comparisons: Partial<Record<ScalarFunction, string>> = {
  less: "Less",
  lessEqual: "LessOrEqual",
  equal: "Equal",
};

/** Every scalar function of the engine in ONNX. `multiplyAdd` is rounded twice there. */
const functionWriters: { readonly [K in Exclude<ScalarFunction, "select">]: FunctionWriter } = {
  add: "Add",
  subtract: "Sub",
  multiply: "Mul",
  divide: "Div",
  minimum: "Min",
  maximum: "Max",
  power: "Pow",
  less: comparison("Less"),
  lessEqual: comparison("LessOrEqual"),
  equal: comparison("Equal"),
  multiplyAdd: ([a, b, c], list, path) =>
    list.add("Add", [list.add("Mul", [a!, b!], path), c!], path),
  negate: "Neg",
  absolute: "Abs",
  squareRoot: "Sqrt",
  exponential: "Exp",
  logarithm: "Log",
  tanh: "Tanh",
  erf: "Erf",
  sine: "Sin",
  cosine: "Cos",
  floor: "Floor",
  round: "Round",
};

/**
 * Writes a scalar expression over tensors, one node a call; equal parts are written once.
 *
 * @param inputs names of the tensors that the expression calls by their index
 */
export function writeExpression(
  expression: Expression,
  inputs: readonly string[],
  list: NodeList,
  path: string,
): string {
  const written = new Map<string, string>();
  const write = (part: Expression): string => {
    if (part.kind === "input") return inputs[part.index]!;
    if (part.kind === "constant") return list.number(part.value);
    const key = formatExpression(part);
    let name = written.get(key);
    if (name === undefined) {
      name = part.function === "select" ? writeSelect(part.arguments) : writeCall(part);
      written.set(key, name);
    }
    return name;
  };
  const writeCall = (part: Extract<Expression, { kind: "call" }>): string => {
    const operands = part.arguments.map(write);
    const writer = functionWriters[part.function as Exclude<ScalarFunction, "select">];
    return typeof writer === "string"
      ? list.add(writer, operands, path)
      : writer(operands, list, path);
  };
  const writeSelect = ([condition, x, y]: readonly Expression[]): string =>
    list.add("Where", [writeCondition(condition!), write(x!), write(y!)], path);
  const writeCondition = (part: Expression): string => {
    const operator = part.kind === "call" ? comparisons[part.function] : undefined;
    if (part.kind === "call" && operator !== undefined) {
      return list.add(operator, part.arguments.map(write), path);
    }
    return list.add("Not", [list.add("Equal", [write(part), list.number(0)], path)], path);
  };
  return write(expression);
}
