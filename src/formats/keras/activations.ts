import type { LayerJson } from "../../layers/layerJson.ts";
import type { LayerConfig } from "./layerConfig.ts";

/** Keras's names of functions with ours, in the form that every version of Keras gives them. */
const functions: Readonly<Record<string, LayerJson | undefined>> = {
  linear: undefined,
  ...Object.fromEntries(
    Object.entries({
      relu: "relu",
      relu6: "relu6",
      sigmoid: "sigmoid",
      tanh: "tanh",
      elu: "elu",
      selu: "selu",
      celu: "celu",
      gelu: "gelu",
      silu: "silu",
      swish: "silu",
      mish: "mish",
      hard_silu: "hardSwish",
      hard_swish: "hardSwish",
      softplus: "softplus",
      softsign: "softsign",
      exponential: "exponential",
    }).map(([name, own]) => [name, { layer: "activation", function: own }]),
  ),
  leaky_relu: { layer: "activation", function: "leakyRelu", negativeSlope: 0.2 },
};

/** A function as a name, as Keras 3 writes it (`{ class_name: "function", config: "relu6" }`), or nothing. */
function functionName(value: unknown): string | undefined {
  if (value === null || value === undefined) return "linear";
  if (typeof value === "string") return value;
  if (typeof value !== "object") return undefined;
  const { class_name: kind, config } = value as Record<string, unknown>;
  return kind === "function" && typeof config === "string" ? config : undefined;
}

/** Whether this is a softmax, or its logarithm. */
export function isSoftmax(value: unknown): boolean {
  return ["softmax", "log_softmax"].includes(functionName(value) ?? "");
}

/** The layer that computes a function; undefined for the identity. */
export function activationJson(value: unknown, layer: LayerConfig): LayerJson | undefined {
  const name = functionName(value);
  if (name === "hard_sigmoid") {
    throw layer.unsupported("hard_sigmoid, which is another function in Keras 2 than in Keras 3");
  }
  if (name !== undefined && Object.hasOwn(functions, name)) return functions[name];
  throw layer.unsupported(`activation ${JSON.stringify(value)?.slice(0, 60)}`);
}

/** The layer `ReLU` with its bounds: `max_value`, `negative_slope` and `threshold`. */
export function reluJson(layer: LayerConfig): LayerJson {
  const slope = layer.number("negative_slope", 0);
  const maximum = layer.has("max_value") ? layer.number("max_value") : undefined;
  if (layer.number("threshold", 0) !== 0 || (slope !== 0 && maximum !== undefined)) {
    throw layer.unsupported("a threshold, or a slope together with a largest value");
  }
  if (slope !== 0) return { layer: "activation", function: "leakyRelu", negativeSlope: slope };
  if (maximum === undefined) return { layer: "activation", function: "relu" };
  if (maximum === 6) return { layer: "activation", function: "relu6" };
  return { layer: "activation", function: "clip", minimum: 0, maximum };
}
