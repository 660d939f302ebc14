import { type UnaryName, type UnaryParameters, unary } from "../graph/ops/unary.ts";
import { type Layer, layer } from "./layer.ts";

/**
 * A function of one number on every element, by its name in the table of graph/ops/unary.ts.
 *
 * @example
 * activation("leakyRelu", { negativeSlope: 0.2 })
 */
export function activation(name: UnaryName, parameters: UnaryParameters = {}): Layer {
  return layer("activation", { function: name, parameters }, ([x]) => unary(x!, name, parameters));
}

/** max(x, 0). */
export function relu(): Layer {
  return activation("relu");
}
