import { GraphError, OptionError } from "../core/errors.ts";
import { checkOptions, either, listOf, oneOf, optional, recordOf } from "../core/fields.ts";
import type { Value } from "../graph/builder.ts";
import { add, multiply as multiplyValues } from "../graph/ops/binary.ts";
import { concat as join } from "../graph/ops/concat.ts";
import { flatten as flattenValue } from "../graph/ops/reshape.ts";
import { layerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** Layers by name, or in a list, where positions `"0"`, `"1"`, … are the names, as in PyTorch's `Sequential`. */
export type Layers = Readonly<Record<string, Layer>> | readonly Layer[];

const layersField = () => either(listOf(layerField()), recordOf(layerField()));

/**
 * Layers one after the other.
 *
 * @example
 * sequential({ conv1: conv2d({ channels: 8, kernel: 3 }), relu: relu() })
 */
export function sequential(layers: Layers): Layer {
  checkOptions("sequential", { layers }, { layers: layersField() });
  const entries = Object.entries(layers);
  return layer(
    "sequential",
    { layers },
    ([x], scope) => {
      if (x === undefined) throw new GraphError(`sequential "${scope.path}": it has no input.`);
      return entries.reduce((y, [name, inner]) => scope.apply(name, inner, y), x);
    },
    { type: "Sequential" },
  );
}

/** Joins all axes behind the batch: `[N, C, H, W] → [N, C·H·W]`, in the order channel, row, column. */
export function flatten(): Layer {
  return layer("flatten", {}, ([x]) => flattenValue(x!), { type: "Flatten" });
}

/** The input as it is: a place in a net that some variants fill. */
export function identity(): Layer {
  return layer("identity", {}, ([x]) => x!, { type: "Identity" });
}

/** The same layer where PyTorch's net calls a function: its record says that it is no module. */
export function asFunction(inner: Layer): Layer {
  const { type: _, ...rest } = inner;
  return rest;
}

/** The sum of its inputs, which have one shape. */
export function sum(): Layer {
  return layer("sum", {}, (inputs) => {
    const [first, ...rest] = inputs;
    if (first === undefined) throw new GraphError("sum: it has no inputs.");
    return rest.reduce((total, x) => add(total, x), first);
  });
}

/** The product of its inputs, of one shape or such as stretch to one: a gate `[N, C, 1, 1]` on a map `[N, C, H, W]`. */
export function multiply(): Layer {
  return layer("multiply", {}, (inputs) => {
    const [first, ...rest] = inputs;
    if (first === undefined) throw new GraphError("multiply: it has no inputs.");
    return rest.reduce((product, x) => multiplyValues(product, x), first);
  });
}

/** Its inputs one after another along the channels. */
export function concat(): Layer {
  return layer("concat", {}, (inputs) => join(inputs));
}

/** Options of {@link branches}. */
export interface BranchesOptions {
  readonly layers: Layers;
  /** How their results come together: along the channels, or added up. Default `concat`. */
  readonly merge?: "concat" | "sum";
}

/** Layers beside each other that all see the input. `[N, C, H, W] → [N, ΣK, P, Q]`, or `[N, K, P, Q]` where added. */
export function branches(options: BranchesOptions): Layer {
  checkOptions("branches", options, {
    layers: layersField(),
    merge: optional(oneOf("concat", "sum")),
  });
  const { layers, merge = "concat" } = options;
  const entries = Object.entries(layers);
  if (entries.length === 0) throw new OptionError("branches: there are none; give at least one.");
  return layer("branches", options, ([x], scope) => {
    const outputs = entries.map(([name, inner]) => scope.apply(name, inner, x!));
    return scope.inline(merge === "sum" ? sum() : concat(), ...outputs);
  });
}

/** Options of {@link residual}. */
export interface ResidualOptions {
  /** The branch that learns the difference. */
  readonly body: Layer;
  /** What the input passes on its way round. Default: nothing. */
  readonly shortcut?: Layer;
  /** Applied to the sum. Default: nothing. */
  readonly activation?: Layer;
}

/**
 * `y = activation(body(x) + shortcut(x))`. Source: He et al. 2016, equation 1.
 *
 * @example
 * residual({ body: conv2d({ channels: 8, kernel: 3, padding: 1 }), activation: relu() })
 */
export function residual(options: ResidualOptions): Layer {
  checkOptions("residual", options, {
    body: layerField(),
    shortcut: optional(layerField()),
    activation: optional(layerField()),
  });
  const { body, shortcut, activation } = options;
  return layer("residual", options, ([x], scope) => {
    const y = scope.apply("body", body, x!);
    const around = shortcut === undefined ? x! : scope.apply("shortcut", shortcut, x!);
    const total: Value = scope.inline(sum(), y, around);
    return activation === undefined ? total : scope.apply("activation", activation, total);
  });
}
