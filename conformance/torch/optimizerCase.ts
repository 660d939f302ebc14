import { lookUp } from "../../src/core/errors.ts";
import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { subtract } from "../../src/graph/ops/binary.ts";
import { matmul } from "../../src/graph/ops/matmul.ts";
import { reshape } from "../../src/graph/ops/reshape.ts";
import {
  adadelta,
  adagrad,
  adam,
  adamax,
  adamw,
  applyOptimizer,
  gradientPoint,
  momentum,
  nadam,
  nesterov,
  type Optimizer,
  rmsprop,
  sgd,
} from "../../src/optim/index.ts";
import type { Backend } from "../../src/plan/backend.ts";
import { type CaseResult, Comparison } from "../comparison.ts";
import { type Vectors, vector } from "./vectors.node.ts";

export interface OptimizerSpecification {
  readonly case: string;
  readonly problem: "quadratic" | "given_gradients";
  readonly algorithm: string;
  readonly hyper: Hyper;
  readonly lr: number | readonly number[];
  readonly steps: number;
  readonly parameters: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly tolerance: Readonly<Record<string, number>>;
}

/** Constants under PyTorch's names; one that is absent keeps our default, which the cases take to be PyTorch's. */
interface Hyper {
  readonly weight_decay?: number;
  readonly momentum?: number;
  readonly dampening?: number;
  readonly nesterov?: boolean;
  readonly betas?: readonly [number, number];
  readonly eps?: number;
  readonly amsgrad?: boolean;
  readonly alpha?: number;
  readonly centered?: boolean;
  readonly rho?: number;
  readonly lr_decay?: number;
  readonly initial_accumulator_value?: number;
  readonly momentum_decay?: number;
}

/** Drops what is `undefined`, so that defaults hold. */
function given<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as never;
}

function adamOptions(hyper: Hyper) {
  return given({
    weightDecay: hyper.weight_decay,
    beta1: hyper.betas?.[0],
    beta2: hyper.betas?.[1],
    eps: hyper.eps,
    amsgrad: hyper.amsgrad,
  });
}

function rmspropOptions(hyper: Hyper) {
  return given({
    weightDecay: hyper.weight_decay,
    rho: hyper.alpha,
    eps: hyper.eps,
    momentum: hyper.momentum,
    centered: hyper.centered,
  });
}

function momentumOptions(hyper: Hyper) {
  return given({ weightDecay: hyper.weight_decay, momentum: hyper.momentum });
}

/** Our optimiser for each algorithm of the vectors. */
const algorithms: Readonly<Record<string, (hyper: Hyper) => Optimizer>> = {
  sgd: (hyper) => sgd(given({ weightDecay: hyper.weight_decay })),
  sgd_momentum: (hyper) =>
    hyper.nesterov
      ? nesterov({ ...momentumOptions(hyper), form: "torch" })
      : momentum({
          ...momentumOptions(hyper),
          ...given({ dampening: hyper.dampening }),
          form: "torch",
        }),
  momentum_classical: (hyper) => momentum({ ...momentumOptions(hyper), form: "paper" }),
  alexnet: (hyper) => momentum({ ...momentumOptions(hyper), form: "paper" }),
  nesterov_classical: (hyper) => nesterov({ ...momentumOptions(hyper), form: "classical" }),
  nesterov_lookahead: (hyper) => nesterov({ ...momentumOptions(hyper), form: "paper" }),
  adagrad: (hyper) =>
    adagrad(
      given({
        weightDecay: hyper.weight_decay,
        eps: hyper.eps,
        lrDecay: hyper.lr_decay,
        initialAccumulator: hyper.initial_accumulator_value,
      }),
    ),
  adagrad_eps_inside: (hyper) =>
    adagrad({ ...given({ weightDecay: hyper.weight_decay, eps: hyper.eps }), form: "paper" }),
  adadelta: (hyper) =>
    adadelta(given({ weightDecay: hyper.weight_decay, rho: hyper.rho, eps: hyper.eps })),
  adadelta_original: (hyper) =>
    adadelta({ ...given({ rho: hyper.rho, eps: hyper.eps }), form: "paper" }),
  rmsprop: (hyper) => rmsprop(rmspropOptions(hyper)),
  rmsprop_eps_inside: (hyper) => rmsprop({ ...rmspropOptions(hyper), form: "paper" }),
  adam: (hyper) => adam(adamOptions(hyper)),
  adamw: (hyper) => adamw(adamOptions(hyper)),
  adamax: (hyper) => {
    const { amsgrad: _, ...options } = adamOptions(hyper);
    return adamax(options);
  },
  nadam: (hyper) => {
    const { amsgrad: _, ...options } = adamOptions(hyper);
    return nadam({ ...options, ...given({ momentumDecay: hyper.momentum_decay }) });
  },
};

/** Runs an optimiser step by step from the stored start, and compares every row of the trajectory. */
export async function runOptimizerCase(
  specification: OptimizerSpecification,
  vectors: Vectors,
  backend: Backend,
): Promise<CaseResult> {
  const { algorithm, problem, hyper, lr, steps, parameters } = specification;
  const optimizer = lookUp(algorithms, algorithm, "algorithm")(hyper);
  const builder = new GraphBuilder();
  const trained = parameters.map(({ name, shape }) => {
    const value = builder.state(name, shape);
    const point = gradientPoint(builder, optimizer, { name, value });
    const gradient =
      problem === "quadratic"
        ? quadraticGradient(builder, vectors, point)
        : builder.input(`gradient.${name}`, shape);
    return { name, value, gradient };
  });
  applyOptimizer(builder, optimizer, trained, { lr: builder.input("lr", []) });

  const comparison = new Comparison();
  const session = await backend.open();
  try {
    const program = await session.compile(builder.finish());
    const row = (tensor: string, step: number, shape: readonly number[]) => {
      const size = elementCount(shape);
      return vector(vectors, tensor).data.subarray(step * size, (step + 1) * size);
    };
    for (const { name, shape } of parameters) {
      await session.write(name, row(`trajectory.${name}`, 0, shape));
    }
    for (let step = 0; step < steps; step++) {
      const feeds: Record<string, Float32Array> = {
        lr: Float32Array.of(typeof lr === "number" ? lr : lr[step]!),
      };
      if (problem === "given_gradients") {
        for (const { name, shape } of parameters) {
          feeds[`gradient.${name}`] = Float32Array.from(row(`gradient.${name}`, step, shape));
        }
      }
      await program.run(feeds);
      for (const { name, shape } of parameters) {
        const tensor = `trajectory.${name}`;
        comparison.tensor(
          `${tensor} after step ${step + 1}`,
          await session.read(name),
          row(tensor, step + 1, shape),
          specification.tolerance[tensor]!,
        );
      }
    }
  } finally {
    await session.close();
  }
  return comparison.result(specification.case, algorithm);
}

/** `A·θ − b`. */
function quadraticGradient(builder: GraphBuilder, vectors: Vectors, theta: Value): Value {
  const [a, b] = [vector(vectors, "A"), vector(vectors, "b")];
  const product = matmul(builder.constant(a.data, a.shape), reshape(theta, [-1, 1]));
  return subtract(reshape(product, theta.shape), builder.constant(b.data, b.shape));
}
