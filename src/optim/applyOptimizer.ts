import { GraphError, ShapeError } from "../core/errors.ts";
import { formatShape, sameShape } from "../core/shape.ts";
import type { GraphBuilder, Value } from "../graph/builder.ts";
import { scalar as s } from "../graph/expression.ts";
import { type ClipOptions, clipGradients, globalNorm } from "./clipGradients.ts";
import { formula } from "./formula.ts";
import type { Optimizer, PointContext } from "./optimizer.ts";
import { type ParameterGroup, ruleFor } from "./parameterGroups.ts";

/** A parameter and the slope of the loss along it. */
export interface TrainedParameter {
  readonly name: string;
  /** The state that holds it. */
  readonly value: Value;
  readonly gradient: Value;
}

/** Options of {@link applyOptimizer}. */
export interface ApplyOptions {
  /** The rate of this step, float32 `[]`: an input that the schedule feeds. */
  readonly lr: Value;
  /** A scheduled momentum, float32 `[]`, that replaces the optimiser's `momentum` or `beta1`. */
  readonly momentum?: Value;
  readonly groups?: readonly ParameterGroup[];
  /** Whether parameters of at most one axis decay too. Default true, as PyTorch; false is timm's habit. */
  readonly decayVectors?: boolean;
  readonly clip?: ClipOptions;
}

/** What a step makes. */
export interface AppliedOptimizer {
  /** The new value of each parameter, by name. */
  readonly next: ReadonlyMap<string, Value>;
  /** Norm of all gradients before clipping, `[]`. Costs nothing unless it is used. */
  readonly gradientNorm: Value;
}

function pointContext(
  builder: GraphBuilder,
  name: string,
  value: Value,
  momentum: Value | undefined,
): PointContext {
  return {
    parameter: value,
    momentum,
    slot: (slot, initial = 0) => builder.state(slotName(name, slot), value.shape, { initial }),
  };
}

/** Name of the state that holds a slot of a parameter. */
export function slotName(parameter: string, slot: string): string {
  return `optimizer.${parameter}.${slot}`;
}

/**
 * Where the gradient with respect to a parameter is to be taken: the parameter itself, unless the optimiser looks
 * ahead (Nesterov's own form). Build the net on these values, and differentiate with respect to them.
 */
export function gradientPoint(
  builder: GraphBuilder,
  optimizer: Optimizer,
  parameter: { readonly name: string; readonly value: Value },
  options: { readonly momentum?: Value } = {},
): Value {
  const { name, value } = parameter;
  return optimizer.lookahead?.(pointContext(builder, name, value, options.momentum)) ?? value;
}

/**
 * Adds one step of the optimiser to the graph: clips the gradients, adds the weight decay, and updates each
 * parameter, its slots (states `optimizer.<parameter>.<slot>`) and the scalars that all share (`optimizer.<scalar>`).
 *
 * The order is PyTorch's: clipping sees the gradient of the loss alone, decay comes after. Coupled decay is taken where
 * the gradient is ({@link gradientPoint}); decoupled decay shrinks the parameter before the update.
 *
 * @example
 * const lr = builder.input("lr", []);
 * const slopes = gradients(loss, [weight]);
 * applyOptimizer(builder, adam(), [{ name: "weight", value: weight, gradient: slopes[0]! }], { lr });
 */
export function applyOptimizer(
  builder: GraphBuilder,
  optimizer: Optimizer,
  parameters: readonly TrainedParameter[],
  options: ApplyOptions,
): AppliedOptimizer {
  const { lr, momentum, groups = [], decayVectors = true, clip = {} } = options;
  for (const { name, value, gradient } of parameters) {
    if (!sameShape(value.shape, gradient.shape)) {
      throw new ShapeError(
        `applyOptimizer: the gradient of "${name}" is ${formatShape(gradient.shape)}, the parameter ${formatShape(value.shape)}.`,
      );
    }
  }
  if (parameters.length === 0) {
    throw new GraphError("applyOptimizer: there are no parameters; is everything frozen?");
  }
  const scalars = new Map<string, Value>();
  const shared =
    optimizer.shared?.({
      lr,
      momentum,
      scalar(name, initial = 0) {
        const state = builder.state(`optimizer.${name}`, [], { initial });
        scalars.set(name, state);
        return state;
      },
    }) ?? {};
  for (const [name, state] of scalars) {
    const next = shared[name];
    if (next !== undefined) builder.update(state, next);
  }

  const raw = parameters.map(({ gradient }) => gradient);
  const clipped = clipGradients(raw, clip);
  const { decoupledWeightDecay, weightDecay } = optimizer.options;
  const next = new Map<string, Value>();
  parameters.forEach(({ name, value }, i) => {
    const shape = value.shape;
    const rule = ruleFor({ name, shape }, groups, { weightDecay, decayVectors });
    const context = pointContext(builder, name, value, momentum);
    const rate = rule.lrMultiplier === 1 ? lr : scaled(lr, rule.lrMultiplier);
    let parameter = value;
    let gradient = clipped[i]!;
    if (rule.weightDecay !== 0) {
      const decay = rule.weightDecay;
      if (decoupledWeightDecay) {
        parameter = formula({ x: value, rate, decay }, ({ x, rate, decay }) =>
          s.sub(x, s.mul(s.mul(rate, decay), x)),
        );
      } else {
        const point = optimizer.lookahead?.(context) ?? value;
        gradient = formula({ g: gradient, point, decay }, ({ g, point, decay }) =>
          s.add(g, s.mul(decay, point)),
        );
      }
    }
    const update = optimizer.update({ ...context, parameter, gradient, lr: rate, shared });
    builder.update(value, update.parameter);
    next.set(name, update.parameter);
    for (const [slot, slotValue] of Object.entries(update.slots ?? {})) {
      builder.update(builder.state(slotName(name, slot), shape), slotValue);
    }
  });
  return { next, gradientNorm: globalNorm(raw) };
}

function scaled(lr: Value, factor: number): Value {
  return formula({ lr, factor }, ({ lr, factor }) => s.mul(lr, factor));
}
