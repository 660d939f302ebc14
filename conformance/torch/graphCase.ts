import { gradients } from "../../src/autodiff/backward.ts";
import type { TensorData } from "../../src/core/dtype.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { add, multiply } from "../../src/graph/ops/binary.ts";
import { reduceSum } from "../../src/graph/ops/reduce.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { type CaseResult, Comparison } from "../comparison.ts";
import { toleranceFactor } from "../winograd.ts";
import { nodeRules } from "./nodeRules.ts";
import type { GraphSpecification } from "./specification.ts";
import { consistentAnswer } from "./twoAnswers.ts";
import { type Vectors, vector } from "./vectors.node.ts";

/** Indices are exact; every other tensor has a tolerance of its own. */
const exact = 0;

/**
 * Runs one layer, operation or block: builds it from our functions, runs it forward and backward with the
 * stored upstream gradients, and compares outputs, gradients and the buffers left behind.
 */
export async function runGraphCase(
  specification: GraphSpecification,
  vectors: Vectors,
  backend: Backend,
): Promise<CaseResult> {
  const comparison = new Comparison();
  const name = specification.case;
  const op = specification.nodes.map((node) => node.op).join("+");
  const unknown = specification.nodes.find((node) => !Object.hasOwn(nodeRules, node.op));
  if (unknown !== undefined) {
    comparison.fail(`there is no operation for "${unknown.op}"`);
    return comparison.result(name, op);
  }
  const built = buildCase(specification, vectors);
  const session = await backend.open();
  try {
    const program = await session.compile(built.builder.finish());
    for (const [state, data] of built.states) await session.write(state, data);
    const fetches = await program.run(built.feeds);
    const factor = toleranceFactor(backend, program.graph);
    for (const tensor of built.expected) {
      const tolerance = factor * (specification.tolerance[tensor] ?? exact);
      const expected = consistentAnswer(specification, tensor, vectors);
      comparison.tensor(tensor, fetches[tensor]!, expected, tolerance);
    }
    for (const [tensor, state] of built.buffersAfter) {
      const tolerance = factor * (specification.tolerance[tensor] ?? exact);
      comparison.tensor(tensor, await session.read(state), vector(vectors, tensor).data, tolerance);
    }
    const lossTolerance = factor * toleranceOfLoss(specification, vectors);
    if (fetches.loss !== undefined) {
      comparison.number("loss", fetches.loss[0]!, specification.loss_float64, lossTolerance);
    }
  } finally {
    await session.close();
  }
  return comparison.result(name, op);
}

/** The loss adds up every output times its upstream gradient, and so do the errors that are allowed. */
function toleranceOfLoss(specification: GraphSpecification, vectors: Vectors): number {
  let sum = 0;
  for (const { name } of specification.outputs) {
    const tolerance = specification.tolerance[`out.${name}`] ?? exact;
    for (const upstream of vectors.get(`grad_out.${name}`)?.data ?? []) {
      sum += tolerance * Math.abs(upstream);
    }
  }
  return sum;
}

function buildCase(specification: GraphSpecification, vectors: Vectors) {
  const builder = new GraphBuilder();
  const feeds: Record<string, TensorData> = {};
  const states = new Map<string, TensorData>();
  const values = new Map<string, Value>();
  const targets = new Map<string, Value>();
  const expected: string[] = [];
  const buffersAfter = new Map<string, string>();

  const feed = (tensor: string): Value => {
    const { shape, data } = vector(vectors, tensor);
    feeds[tensor] = data;
    return builder.input(tensor, shape, data instanceof Int32Array ? "int32" : "float32");
  };
  const state = (tensor: string): Value => {
    const { shape, data } = vector(vectors, tensor);
    states.set(tensor, data);
    return builder.state(tensor, shape);
  };

  for (const { name, gradient } of specification.inputs) {
    const value = feed(`in.${name}`);
    values.set(name, value);
    if (gradient) targets.set(`grad.in.${name}`, value);
  }
  for (const node of specification.nodes) {
    const output = builder.within(node.name, () =>
      nodeRules[node.op]!({
        node,
        training: specification.mode === "train",
        inputs: node.inputs.map((input) => values.get(input)!),
        parameter(role) {
          const tensor = `param.${node.name}.${role}`;
          if (!vectors.has(tensor)) return undefined;
          const value = state(tensor);
          targets.set(`grad.${tensor}`, value);
          return value;
        },
        buffer(role) {
          const tensor = `buffer.${node.name}.${role}`;
          const after = `buffer_after.${node.name}.${role}`;
          if (vectors.has(after)) buffersAfter.set(after, tensor);
          return state(tensor);
        },
        extra(kind, value) {
          const tensor = `out.${kind}`;
          if (!vectors.has(tensor)) return;
          builder.output(tensor, value);
          expected.push(tensor);
        },
      }),
    );
    values.set(node.output, output);
  }

  let loss: Value | undefined;
  for (const { name } of specification.outputs) {
    const value = values.get(name)!;
    builder.output(`out.${name}`, value);
    expected.push(`out.${name}`);
    const upstream = `grad_out.${name}`;
    if (!vectors.has(upstream)) continue;
    const part = reduceSum(multiply(value, feed(upstream)));
    loss = loss === undefined ? part : add(loss, part);
  }
  if (loss !== undefined) {
    builder.output("loss", loss);
    const wanted = [...targets].filter(([tensor]) => vectors.has(tensor));
    const results = gradients(
      loss,
      wanted.map(([, value]) => value),
    );
    wanted.forEach(([tensor], i) => {
      builder.output(tensor, results[i]!);
      expected.push(tensor);
    });
  }
  return { builder, feeds, states, expected, buffersAfter };
}
