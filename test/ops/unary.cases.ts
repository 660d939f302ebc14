import {
  type UnaryFunction,
  type UnaryName,
  unary,
  unaryFunctions,
} from "../../src/graph/ops/unary.ts";
import type { OpCase } from "./opCase.ts";

/** Where a function is defined, if not everywhere. */
const domains: Partial<Record<UnaryName, readonly [number, number]>> = {
  squareRoot: [0.1, 4],
  logarithm: [0.1, 4],
  reciprocal: [0.2, 4],
};

/** Other parameters than the table's defaults. */
const parameters: Partial<Record<UnaryName, Readonly<Record<string, number>>>> = {
  leakyRelu: { negativeSlope: 0.2 },
  elu: { alpha: 0.5 },
  celu: { alpha: 1.5 },
  hardSigmoid: { alpha: 0.2, beta: 0.4 },
  scaledTanh: { amplitude: 1.2, slope: 0.8 },
  softplus: { beta: 2, threshold: 5 },
  thresholdedRelu: { alpha: 0.5 },
  clip: { minimum: -0.75, maximum: 1.25 },
};

/** No gradient flows where the value changes: a finite difference would see it. */
const blocked = "the operation stops the gradient of what is not constant";

export function unaryCases(): OpCase[] {
  const names = Object.keys(unaryFunctions) as UnaryName[];
  return names.flatMap((name) => {
    const row: UnaryFunction = unaryFunctions[name];
    const cases = [{}, ...(parameters[name] === undefined ? [] : [parameters[name]])];
    return cases.map((given): OpCase => {
      const range = domains[name] ?? [-4, 4];
      const complete = { ...row.parameters, ...given };
      return {
        name: `${name} ${JSON.stringify(given)}`,
        inputs: [{ shape: [2, 3, 4], range, avoid: row.kinks?.(complete) ?? [] }],
        build: ([x]) => unary(x!, name, given),
        ...(name === "stopGradient" ? { noFiniteDifferences: blocked } : {}),
      };
    });
  });
}
