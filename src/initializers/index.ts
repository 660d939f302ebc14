import { lookUp } from "../core/errors.ts";
import { constant, normal, truncatedNormal, uniform } from "./basic.ts";
import type { Initializer } from "./initializer.ts";
import { orthogonal } from "./orthogonal.ts";
import {
  fanInUniform,
  kaimingNormal,
  kaimingUniform,
  xavierNormal,
  xavierUniform,
} from "./scaled.ts";

export {
  constant,
  normal,
  type TruncatedNormalOptions,
  truncatedNormal,
  uniform,
} from "./basic.ts";
export { fans, type Initializer } from "./initializer.ts";
export { orthogonal } from "./orthogonal.ts";
export {
  fanInUniform,
  type KaimingOptions,
  kaimingNormal,
  kaimingUniform,
  type Nonlinearity,
  xavierNormal,
  xavierUniform,
} from "./scaled.ts";

/** Every initialiser by the name a file calls it. */
export const initializers = {
  constant: (options: { readonly value: number }) => constant(options.value),
  uniform,
  normal,
  truncatedNormal,
  kaimingUniform,
  kaimingNormal,
  xavierUniform,
  xavierNormal,
  fanInUniform,
  orthogonal,
} as const;

/** The initialiser with this name and these options, as a file describes it. */
export function initializerFrom(
  kind: string,
  options: Readonly<Record<string, unknown>>,
): Initializer {
  const create = lookUp<(options: never) => Initializer>(initializers, kind, "initializer");
  return create(options as never);
}
