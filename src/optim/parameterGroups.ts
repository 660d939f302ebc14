import { OptionError } from "../core/errors.ts";
import type { Shape } from "../core/shape.ts";

/** A parameter as groups see it. */
export interface NamedParameter {
  readonly name: string;
  readonly shape: Shape;
}

/** Parameters that are trained differently from the rest. */
export interface ParameterGroup {
  /** Which parameters: `({ name }) => name.startsWith("layer1.")`. The first group that matches wins. */
  matches(parameter: NamedParameter): boolean;
  /** Factor of the learning rate, 0 or more. Default 1. */
  readonly lrMultiplier?: number;
  /** Weight decay instead of the optimiser's. */
  readonly weightDecay?: number;
}

/** How one parameter is trained. */
export interface ParameterRule {
  readonly lrMultiplier: number;
  readonly weightDecay: number;
}

/**
 * The rule for a parameter: that of the first matching group, then the defaults. Without `decayVectors`, parameters of
 * at most one axis (biases, scales and shifts of norms) do not decay unless their group says so.
 */
export function ruleFor(
  parameter: NamedParameter,
  groups: readonly ParameterGroup[],
  defaults: { readonly weightDecay: number; readonly decayVectors: boolean },
): ParameterRule {
  const group = groups.find(({ matches }) => matches(parameter));
  const isVector = parameter.shape.length <= 1;
  const rule = {
    lrMultiplier: group?.lrMultiplier ?? 1,
    weightDecay:
      group?.weightDecay ?? (isVector && !defaults.decayVectors ? 0 : defaults.weightDecay),
  };
  for (const [name, value] of Object.entries(rule)) {
    if (!(value >= 0 && Number.isFinite(value))) {
      throw new OptionError(
        `parameter group of "${parameter.name}": ${name} ${value}: expected a number of at least 0.`,
      );
    }
  }
  return rule;
}
