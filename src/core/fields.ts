import { nearest, OptionError } from "./errors.ts";

/** What an option may be. */
export interface Field {
  readonly required: boolean;
  /** In words, for messages: `an integer of at least 1`. */
  readonly expected: string;
  accepts(value: unknown): boolean;
}

/** Options by name. */
export type Fields = Readonly<Record<string, Field>>;

/** A field from what it accepts, and that in words. */
export const field = (expected: string, accepts: (value: unknown) => boolean): Field => ({
  required: true,
  expected,
  accepts,
});

/** The same field, which may be left out. */
export function optional(inner: Field): Field {
  return { ...inner, required: false };
}

/** Whether this is an integer of at least `minimum`. */
export const isInteger = (value: unknown, minimum: number) =>
  Number.isInteger(value) && (value as number) >= minimum;

/** An integer of at least `minimum`. */
export function integer(minimum: number): Field {
  return field(`an integer of at least ${minimum}`, (value) => isInteger(value, minimum));
}

/** A finite number, within `[low, high]` where they are given. */
export function number(low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY): Field {
  const bounded = Number.isFinite(low) || Number.isFinite(high);
  return field(
    bounded ? `a number from ${low} to ${high}` : "a number",
    (value) => Number.isFinite(value) && (value as number) >= low && (value as number) <= high,
  );
}

/** true or false. */
export function flag(): Field {
  return field("true or false", (value) => typeof value === "boolean");
}

/** One of a few names or numbers. */
export function oneOf(...choices: readonly (string | number)[]): Field {
  return field(`one of ${choices.join(", ")}`, (value) => choices.includes(value as string));
}

/** Any text that is not empty. */
export function text(): Field {
  return field("a text", (value) => typeof value === "string" && value !== "");
}

/** A list of at least `minimum` values that each are what `inner` says. */
export function listOf(inner: Field, minimum = 0): Field {
  return field(
    `a list of at least ${minimum}, each ${inner.expected}`,
    (value) =>
      Array.isArray(value) && value.length >= minimum && value.every((v) => inner.accepts(v)),
  );
}

/** Values by name that each are what `inner` says. */
export function recordOf(inner: Field): Field {
  return field(
    `an object whose values each are ${inner.expected}`,
    (value) =>
      typeof value === "object" &&
      value !== null &&
      !Array.isArray(value) &&
      Object.values(value).every((v) => inner.accepts(v)),
  );
}

/** What one of two fields accepts. */
export function either(first: Field, second: Field): Field {
  return field(
    `${first.expected}, or ${second.expected}`,
    (value) => first.accepts(value) || second.accepts(value),
  );
}

/** `null`, or what `inner` accepts. */
export function nullable(inner: Field): Field {
  return {
    ...inner,
    expected: `${inner.expected}, or null`,
    accepts: (v) => v === null || inner.accepts(v),
  };
}

/**
 * Throws an OptionError that names the kind of thing, the option, what was given and what is expected, for the first
 * option that is unknown, missing or of the wrong kind.
 */
export function checkOptions(kind: string, options: object, fields: Fields): void {
  const given = options as Readonly<Record<string, unknown>>;
  checkKnown(kind, options, fields);
  for (const [name, { required, expected, accepts }] of Object.entries(fields)) {
    const value = given[name];
    if (value === undefined) {
      if (!required) continue;
      throw new OptionError(`${kind}: option "${name}" is missing; expected ${expected}.`);
    }
    if (!accepts(value)) {
      throw new OptionError(`${kind}: ${name} is ${describe(value)}; expected ${expected}.`);
    }
  }
}

/** Throws an OptionError for the first option that is none of `known`, with the one that was perhaps meant. */
export function checkKnown(kind: string, options: object, known: object): void {
  const names = Object.keys(known);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(known, name)) continue;
    const near = nearest(name, names);
    const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
    const all = names.length === 0 ? "none" : names.join(", ");
    throw new OptionError(`${kind}: unknown option "${name}".${hint} It takes: ${all}.`);
  }
}

function describe(value: unknown): string {
  if (typeof value === "function") return "a function";
  const written = JSON.stringify(value) ?? String(value);
  return written.length > 60 ? `${written.slice(0, 57)}…` : written;
}
