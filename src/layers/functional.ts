import { GraphError, nearest, OptionError } from "../core/errors.ts";
import {
  checkOptions,
  either,
  type Field,
  listOf,
  number,
  optional,
  recordOf,
  text,
} from "../core/fields.ts";
import type { Value } from "../graph/builder.ts";
import { layerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";

/** A step of {@link functional}. */
export interface FunctionalStep {
  readonly layer: Layer;
  /** Names of the steps whose results it takes, or `input`. Default: the step before that is no head. */
  readonly from?: string | readonly string[];
  /** Makes the step a head that serves training only: its result is a further output whose loss has this weight. */
  readonly auxiliary?: number;
}

/** Options of {@link functional}. */
export interface FunctionalOptions {
  /** Steps by name, each after those it takes from. */
  readonly steps: Readonly<Record<string, FunctionalStep>>;
  /** The step whose result is the net's. Default: the last that is no head. */
  readonly output?: string;
}

/** The name by which steps call what the net is given. */
const netInput = "input";

const stepField: Field = {
  required: true,
  expected: "{ layer, from, auxiliary }",
  accepts(value) {
    if (typeof value !== "object" || value === null) return false;
    const { layer: inner, from, auxiliary, ...rest } = value as Record<string, unknown>;
    const source = either(text(), listOf(text(), 1));
    return (
      layerField().accepts(inner) &&
      (from === undefined || source.accepts(from)) &&
      (auxiliary === undefined || number(0).accepts(auxiliary)) &&
      Object.keys(rest).length === 0
    );
  },
};

/**
 * Layers that take from each other by name: any net without loops, as data that can be written to a file.
 *
 * @throws OptionError for a name that no earlier step has, or a step that nobody takes from.
 * @example
 * functional({
 *   steps: {
 *     stem: { layer: conv2d({ channels: 8, kernel: 3, padding: 1 }) },
 *     left: { layer: relu() },
 *     right: { layer: activation({ function: "tanh" }), from: "stem" },
 *     both: { layer: concat(), from: ["left", "right"] },
 *   },
 * })
 */
export function functional(options: FunctionalOptions): Layer {
  checkOptions("functional", options, { steps: recordOf(stepField), output: optional(text()) });
  const names = Object.keys(options.steps);
  const { output = names.findLast((name) => options.steps[name]!.auxiliary === undefined) } =
    options;
  if (output === undefined) throw new OptionError("functional: there are no steps.");
  const sources = readSources(options.steps);
  const used = new Set([...sources.values()].flat());
  for (const name of [output, ...used]) {
    if (name !== netInput && !names.includes(name)) throw unknownStep(name, "the output", names);
  }
  const isHead = (name: string) => options.steps[name]?.auxiliary !== undefined;
  const taken = [output, ...used].find(isHead);
  if (taken !== undefined) {
    throw new OptionError(
      `functional: step "${taken}" is an auxiliary head, which gives nothing but its own output; take from the step before it.`,
    );
  }
  const idle = names.find((name) => !used.has(name) && name !== output && !isHead(name));
  if (idle !== undefined) {
    throw new OptionError(
      `functional: nobody takes from step "${idle}", and it is not the output; leave it out or name it in a "from".`,
    );
  }
  return layer("functional", options, ([x], scope) => {
    if (x === undefined) throw new GraphError(`functional "${scope.path}": it has no input.`);
    const results = new Map<string, Value>([[netInput, x]]);
    for (const [name, step] of Object.entries(options.steps)) {
      const inputs = sources.get(name)!.map((source) => results.get(source)!);
      if (step.auxiliary === undefined) {
        results.set(name, scope.apply(name, step.layer, ...inputs));
      } else {
        scope.auxiliary(name, step.layer, inputs[0]!, step.auxiliary);
      }
    }
    return results.get(output)!;
  });
}

/** What each step takes from, checked to come before it. */
function readSources(steps: FunctionalOptions["steps"]): Map<string, readonly string[]> {
  const sources = new Map<string, readonly string[]>();
  let before = netInput;
  for (const [name, { from = before, auxiliary }] of Object.entries(steps)) {
    if (name === netInput) {
      throw new OptionError(
        `functional: a step cannot be called "${netInput}"; that is the net's input.`,
      );
    }
    const list = typeof from === "string" ? [from] : from;
    for (const source of list) {
      if (source !== netInput && !sources.has(source)) {
        throw unknownStep(source, `step "${name}"`, [netInput, ...sources.keys()]);
      }
    }
    sources.set(name, list);
    if (auxiliary === undefined) before = name;
  }
  return sources;
}

function unknownStep(name: string, who: string, known: readonly string[]): OptionError {
  const near = nearest(name, known);
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new OptionError(
    `functional: ${who} takes from "${name}", which no earlier step is called.${hint} Known: ${known.join(", ")}.`,
  );
}
