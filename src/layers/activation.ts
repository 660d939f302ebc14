import { checkOptions, flag, number, oneOf, optional } from "../core/fields.ts";
import { prelu as parametricRelu } from "../graph/ops/prelu.ts";
import {
  type UnaryFunction,
  type UnaryName,
  type UnaryParameters,
  unary,
  unaryFunctions,
} from "../graph/ops/unary.ts";
import { constant } from "../initializers/basic.ts";
import { type Layer, layer } from "./layer.ts";

/** PyTorch's classes of activations. */
const types: Partial<Record<UnaryName, string>> = {
  relu: "ReLU",
  relu6: "ReLU6",
  leakyRelu: "LeakyReLU",
  elu: "ELU",
  selu: "SELU",
  celu: "CELU",
  gelu: "GELU",
  geluTanh: "GELU",
  silu: "SiLU",
  mish: "Mish",
  hardSwish: "Hardswish",
  hardSigmoid: "Hardsigmoid",
  sigmoid: "Sigmoid",
  tanh: "Tanh",
  softplus: "Softplus",
  softsign: "Softsign",
  clip: "Hardtanh",
};

/** Options of {@link activation}: the function's name, and its parameters by theirs. */
export type ActivationOptions = { readonly function: UnaryName } & UnaryParametersByName;

interface UnaryParametersByName {
  readonly [parameter: string]: number | string;
}

/**
 * A function of one number on every element, by its name in the table of graph/ops/unary.ts. Parameters left out have
 * the table's defaults. The shape stays.
 *
 * @example
 * activation({ function: "leakyRelu", negativeSlope: 0.2 })
 */
export function activation(options: ActivationOptions): Layer {
  const names = Object.keys(unaryFunctions);
  const { function: name, ...parameters } = options;
  checkOptions("activation", { function: name }, { function: oneOf(...names) });
  const row: UnaryFunction = unaryFunctions[name];
  const fields = Object.keys(row.parameters).map((key) => [key, optional(number())]);
  checkOptions(`activation ${name}`, parameters, Object.fromEntries(fields));
  const type = types[name];
  return layer(
    "activation",
    options,
    ([x]) => unary(x!, name, parameters as UnaryParameters),
    type === undefined ? {} : { type },
  );
}

/** max(x, 0). */
export function relu(): Layer {
  return activation({ function: "relu" });
}

/** Options of {@link prelu}. */
export interface PreluOptions {
  /** One slope for each channel, or one for all. Default false: one for all, as PyTorch. */
  readonly perChannel?: boolean;
  /** First value of the slopes. Default 0.25, as the paper and PyTorch. */
  readonly initial?: number;
}

/** Leaky relu with trained slopes, the parameter `weight`; see graph/ops/prelu.ts. The shape stays. */
export function prelu(options: PreluOptions = {}): Layer {
  checkOptions("prelu", options, { perChannel: optional(flag()), initial: optional(number()) });
  const { perChannel = false, initial = 0.25 } = options;
  return layer(
    "prelu",
    options,
    ([x], scope) => {
      const count = perChannel ? x!.shape[1]! : 1;
      return parametricRelu(x!, scope.parameter("weight", [count], constant(initial)));
    },
    { type: "PReLU" },
  );
}
