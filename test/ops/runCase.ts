import { gradients } from "../../src/autodiff/backward.ts";
import type { TensorData } from "../../src/core/dtype.ts";
import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { add, multiply, subtract } from "../../src/graph/ops/binary.ts";
import { randomKeyInput } from "../../src/graph/ops/random.ts";
import { reduceSum } from "../../src/graph/ops/reduce.ts";
import type { Session } from "../../src/plan/backend.ts";
import { numbersOf, type OpCase, type OpInput } from "./opCase.ts";

type Outputs = (inputs: readonly Value[], builder: GraphBuilder) => readonly Value[];

function outputsOf(testCase: OpCase): Outputs {
  return (inputs, builder) => {
    const built = testCase.build(inputs, builder);
    return Array.isArray(built) ? (built as readonly Value[]) : [built as Value];
  };
}

function hasGradient({ dtype = "float32", gradient = true }: OpInput): boolean {
  return dtype === "float32" && gradient;
}

/** Whether any input of the case has a gradient to check. */
export function isDifferentiable({ inputs }: OpCase): boolean {
  return inputs.some(hasGradient);
}

/** `Σ y·weights` over all float outputs, with weights that are fed; what gradients are taken of. */
function projected(
  builder: GraphBuilder,
  outputs: readonly Value[],
  feeds: Record<string, TensorData>,
  stream: string,
): Value {
  let total: Value | undefined;
  outputs.forEach((output, i) => {
    if (output.dtype !== "float32") return;
    const name = `${stream} ${i}`;
    feeds[name] = numbersOf({ shape: output.shape }, name);
    const part = reduceSum(multiply(output, builder.input(name, output.shape)));
    total = total === undefined ? part : add(total, part);
  });
  return total ?? builder.constant(0);
}

interface Prepared {
  readonly builder: GraphBuilder;
  readonly inputs: readonly Value[];
  readonly feeds: Record<string, TensorData>;
}

function prepare(testCase: OpCase): Prepared {
  const builder = new GraphBuilder();
  const feeds: Record<string, TensorData> = { [randomKeyInput]: Int32Array.of(1234, -5678) };
  const inputs = testCase.inputs.map((input, i) => {
    const name = `input ${i}`;
    feeds[name] = numbersOf(input, `${testCase.name} ${name}`);
    return builder.input(name, input.shape, input.dtype ?? "float32");
  });
  return { builder, inputs, feeds };
}

/** Outputs of a case, and the gradients of a random weighting of them. */
export interface CaseNumbers {
  readonly outputs: readonly TensorData[];
  readonly gradients: readonly TensorData[];
}

/** Computes a case forward and backward. */
export async function compute(session: Session, testCase: OpCase): Promise<CaseNumbers> {
  const { builder, inputs, feeds } = prepare(testCase);
  const outputs = outputsOf(testCase)(inputs, builder);
  outputs.forEach((output, i) => {
    builder.output(`output ${i}`, output);
  });
  const wanted = inputs.filter((_, i) => hasGradient(testCase.inputs[i]!));
  if (wanted.length > 0) {
    const target = projected(builder, outputs, feeds, "weights");
    gradients(target, wanted).forEach((gradient, i) => {
      builder.output(`gradient ${i}`, gradient);
    });
  }
  const program = await session.compile(builder.finish());
  const fetches = await program.run(feeds);
  return {
    outputs: outputs.map((_, i) => fetches[`output ${i}`]!),
    gradients: wanted.map((_, i) => fetches[`gradient ${i}`]!),
  };
}

/** Half the distance of the two points of a difference: the error falls with its square, rounding rises with its inverse. */
const halfStep = 1e-5;

/** A gradient and the central difference that it should be. */
export interface Slope {
  readonly input: number;
  readonly element: number;
  readonly gradient: number;
  readonly difference: number;
}

/**
 * Every element of the gradient beside a central difference, `(f(x + h) − f(x − h))/2h`. The difference is taken inside
 * the graph, in the reference backend's float64, so that rounding of what is fetched does not swamp it.
 *
 * `order` 2 does the same to the gradient: its own gradient beside differences of it.
 */
export async function slopes(session: Session, testCase: OpCase, order: 1 | 2): Promise<Slope[]> {
  const { builder, inputs, feeds } = prepare(testCase);
  const direct = outputsOf(testCase);
  const wanted = inputs.map((_, i) => i).filter((i) => hasGradient(testCase.inputs[i]!));
  const differentiated: Outputs = (at) => {
    const target = projected(builder, direct(at, builder), feeds, "weights");
    return gradients(
      target,
      wanted.map((i) => at[i]!),
    );
  };
  const outputs = order === 1 ? direct : differentiated;
  const value = (at: readonly Value[]) =>
    projected(builder, outputs(at, builder), feeds, `weights of order ${order}`);

  gradients(
    value(inputs),
    wanted.map((i) => inputs[i]!),
  ).forEach((gradient, i) => {
    builder.output(`gradient ${i}`, gradient);
  });
  const shifted = (sign: number) =>
    inputs.map((x, i) =>
      wanted.includes(i)
        ? add(x, multiply(builder.input(`direction ${i}`, x.shape), sign * halfStep))
        : x,
    );
  const difference = subtract(value(shifted(1)), value(shifted(-1)));
  builder.output("difference", multiply(difference, 1 / (2 * halfStep)));

  const program = await session.compile(builder.finish());
  for (const i of wanted) {
    feeds[`direction ${i}`] = new Float32Array(elementCount(inputs[i]!.shape));
  }
  const result: Slope[] = [];
  for (const [position, i] of wanted.entries()) {
    const direction = feeds[`direction ${i}`]!;
    for (let element = 0; element < direction.length; element++) {
      direction[element] = 1;
      const fetches = await program.run(feeds);
      direction[element] = 0;
      result.push({
        input: i,
        element,
        gradient: fetches[`gradient ${position}`]![element]!,
        difference: fetches.difference![0]!,
      });
    }
  }
  return result;
}
