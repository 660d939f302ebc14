import { lookUp } from "../core/errors.ts";
import { checkOptions, type Fields, number, optional, text } from "../core/fields.ts";
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

const fields = (): { readonly [K in keyof typeof initializers]: Fields } => ({
  constant: { value: number() },
  uniform: { low: number(), high: number() },
  normal: { mean: optional(number()), deviation: optional(number()) },
  truncatedNormal: {
    mean: optional(number()),
    deviation: optional(number()),
    low: optional(number()),
    high: optional(number()),
  },
  kaimingUniform: kaimingFields(),
  kaimingNormal: kaimingFields(),
  xavierUniform: { gain: optional(number()) },
  xavierNormal: { gain: optional(number()) },
  fanInUniform: { limit: optional(number()) },
  orthogonal: { gain: optional(number()) },
});

function kaimingFields(): Fields {
  return { fan: optional(text()), nonlinearity: optional(text()), slope: optional(number()) };
}

/**
 * The initialiser with this name and these options, as a file describes it.
 *
 * @throws OptionError for a name that is not in the table, or an option that is unknown, missing or of the wrong kind.
 */
export function initializerFrom(
  kind: string,
  options: Readonly<Record<string, unknown>>,
): Initializer {
  const create = lookUp<(options: never) => Initializer>(initializers, kind, "initializer");
  checkOptions(kind, options, fields()[kind as keyof typeof initializers]);
  return create(options as never);
}
