import { gradients } from "../../src/autodiff/backward.ts";
import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { buildNet } from "../../src/layers/layer.ts";
import { crossEntropy } from "../../src/losses/index.ts";
import type { Backend, Session } from "../../src/plan/backend.ts";
import { type CaseResult, Comparison } from "../comparison.ts";
import { toleranceFactor } from "../winograd.ts";
import { compareDigest, type Digest, inOrder } from "./digest.ts";
import { moduleRecords, type StateRow, stateDeclarations } from "./modelCase.ts";
import { type NetworkOptions, networkFor } from "./networks.ts";
import { type Vectors, vector } from "./vectors.node.ts";
import { formulaWeights, streams, units } from "./weightFormula.ts";

export interface NetworkSpecification {
  readonly case: string;
  readonly architecture: string;
  readonly options: NetworkOptions;
  readonly mode: "train" | "eval";
  readonly weight_seed: number;
  readonly input_shape: readonly number[];
  readonly target: readonly number[];
  readonly loss_float64: number;
  readonly tolerance: { readonly logits: number; readonly loss: number };
  readonly weight_examples: readonly {
    readonly name: string;
    readonly tensor: number;
    readonly first: readonly number[];
  }[];
  readonly state_dict: readonly StateRow[];
  readonly activations: readonly (Digest & { readonly module: string; readonly type: string })[];
  readonly gradients: readonly (Digest & { readonly parameter: string })[];
  readonly buffers_after: readonly (Digest & { readonly buffer: string })[];
}

/** Where a gradient may be off by more than this share of its largest element, it decides nothing. */
const decisiveShare = 0.02;

/**
 * Fills a whole network with the formula's weights and compares logits, loss, gradients and buffers; and in a second
 * program, whose every activation is an output, the activations too. The first is what users run: there a fast
 * backend fuses what the second must store; `reference` fuses nothing and runs the second alone.
 */
export async function runNetworkCase(
  specification: NetworkSpecification,
  vectors: Vectors,
  backend: Backend,
): Promise<CaseResult> {
  const comparison = new Comparison();
  checkFormula(comparison, specification);
  const session = await backend.open();
  try {
    if (backend.name !== "reference") {
      await runProgram(comparison, specification, vectors, backend, session, "fused");
    }
    await runProgram(comparison, specification, vectors, backend, session, "activations");
  } finally {
    await session.close();
  }
  return comparison.result(specification.case, specification.architecture);
}

function checkFormula(comparison: Comparison, specification: NetworkSpecification): void {
  for (const { name, tensor, first } of specification.weight_examples) {
    const [, shape] = specification.state_dict[tensor]!;
    const made = formulaWeights(specification.weight_seed, tensor, name, shape);
    comparison.equal(
      `weights of ${name}`,
      [...made.slice(0, first.length)],
      first.map(Math.fround),
    );
  }
}

async function runProgram(
  comparison: Comparison,
  specification: NetworkSpecification,
  vectors: Vectors,
  backend: Backend,
  session: Session,
  kind: "fused" | "activations",
): Promise<void> {
  const { architecture, options, input_shape: inputShape, weight_seed: seed } = specification;
  const training = specification.mode === "train";
  const builder = new GraphBuilder();
  const input = builder.input("image", inputShape);
  const { layer } = networkFor(architecture, options, inputShape);
  const net = buildNet(layer, { builder, input, training, dropout: false });
  const target = builder.input("target", [inputShape[0]!], "int32");
  const loss = crossEntropy(net.output, target);
  builder.output("logits", net.output);
  builder.output("loss", loss);

  const state = stateDeclarations(net, options);
  comparison.rows(
    "state_dict",
    state.map(({ name, shape, kind }) => [name, shape, kind]),
    specification.state_dict,
  );
  const parameters = new Map(state.map(({ name, value }) => [name, value]));
  const wanted = specification.gradients.map(({ parameter }) => parameter);
  const slopes =
    wanted.length === 0
      ? []
      : gradients(
          loss,
          wanted.map((name) => parameters.get(name)!),
        );
  slopes.forEach((gradient, i) => {
    builder.output(`gradient ${wanted[i]}`, gradient);
  });
  const modules = kind === "activations" ? moduleRecords(net) : [];
  modules.forEach(({ outputId }, i) => {
    builder.output(`activation ${i}`, builder.value(outputId));
  });

  const program = await session.compile(builder.finish());
  for (const [position, { name, shape, dtype }] of state.entries()) {
    const weights = formulaWeights(seed, position, name, shape);
    await session.write(name, dtype === "int32" ? Int32Array.from(weights) : weights);
  }
  const unit = units(seed, streams.image);
  const fetches = await program.run({
    image: Float32Array.from({ length: elementCount(inputShape) }, (_, i) => unit(i)),
    target: Int32Array.from(specification.target),
  });

  const factor = toleranceFactor(backend, program.graph);
  const { tolerance } = specification;
  const logits = vector(vectors, "logits").data;
  comparison.tensor("logits", fetches.logits!, logits, factor * tolerance.logits);
  comparison.number("loss", fetches.loss![0]!, specification.loss_float64, factor * tolerance.loss);
  for (const row of specification.gradients) {
    if (row.tolerance > decisiveShare * Math.max(Math.abs(row.min), Math.abs(row.max))) continue;
    const name = `gradient ${row.parameter}`;
    compareDigest(comparison, name, fetches[name]!, row, {
      seed,
      stream: streams.gradients,
      factor,
    });
  }
  for (const row of specification.buffers_after) {
    const name = `buffer ${row.buffer}`;
    const data = await session.read(row.buffer);
    compareDigest(comparison, name, data, row, { seed, stream: streams.gradients, factor });
  }
  if (kind === "fused") return;
  comparison.rows(
    "modules",
    modules.map(({ name }) => name),
    specification.activations.map(({ module }) => module),
  );
  for (const [i, row] of specification.activations.entries()) {
    const record = modules[i];
    const data = fetches[`activation ${i}`];
    if (record === undefined || data === undefined) continue;
    const { view, output } = record;
    const ordered = view === undefined ? data : inOrder(data, output, view);
    const name = `activation ${row.module}`;
    compareDigest(comparison, name, ordered, row, {
      seed,
      stream: streams.activations,
      factor,
    });
  }
}
