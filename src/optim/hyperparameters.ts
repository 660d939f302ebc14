import { nearest, OptionError } from "../core/errors.ts";

/** A hyperparameter: its default, and what values are legal. */
export interface Hyperparameter<T> {
  readonly default: T;
  readonly range: string;
  legal(value: unknown): boolean;
}

/** A number of at least 0. */
export function nonNegative(value: number): Hyperparameter<number> {
  return {
    default: value,
    range: "a number of at least 0",
    legal: (given) => typeof given === "number" && given >= 0 && Number.isFinite(given),
  };
}

/** A number above 0. */
export function positive(value: number): Hyperparameter<number> {
  return {
    default: value,
    range: "a number above 0",
    legal: (given) => typeof given === "number" && given > 0 && Number.isFinite(given),
  };
}

/** A decay rate or share: at least 0 and below 1. */
export function fraction(value: number): Hyperparameter<number> {
  return {
    default: value,
    range: "at least 0 and below 1",
    legal: (given) => typeof given === "number" && given >= 0 && given < 1,
  };
}

/** A number from 0 to 1. */
export function share(value: number): Hyperparameter<number> {
  return {
    default: value,
    range: "from 0 to 1",
    legal: (given) => typeof given === "number" && given >= 0 && given <= 1,
  };
}

/** An integer of at least `minimum`. */
export function count(value: number, minimum = 1): Hyperparameter<number> {
  return {
    default: value,
    range: `an integer of at least ${minimum}`,
    legal: (given) => Number.isInteger(given) && (given as number) >= minimum,
  };
}

export function flag(value: boolean): Hyperparameter<boolean> {
  return {
    default: value,
    range: "true or false",
    legal: (given) => typeof given === "boolean",
  };
}

/** One of several words. */
export function choice<T extends string>(value: T, all: readonly T[]): Hyperparameter<T> {
  return { default: value, range: all.join(", "), legal: (given) => all.includes(given as T) };
}

type Rows = Readonly<Record<string, Hyperparameter<unknown>>>;

/** The hyperparameters that a table of rows describes, complete. */
export type Resolved<R extends Rows> = {
  readonly [K in keyof R]: R[K] extends Hyperparameter<infer T> ? T : never;
};

/**
 * Fills in defaults, and throws an {@link OptionError} for a name that the table does not have or a value
 * out of range. `undefined` counts as left out.
 */
export function resolveOptions<R extends Rows>(where: string, given: object, rows: R): Resolved<R> {
  const table: Rows = rows;
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries(table).map(([name, row]) => [name, row.default]),
  );
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const row = Object.hasOwn(table, name) ? table[name] : undefined;
    if (row === undefined) {
      const near = nearest(name, Object.keys(table));
      const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
      throw new OptionError(
        `${where}: unknown option "${name}".${hint} It takes ${Object.keys(table).join(", ")}.`,
      );
    }
    if (!row.legal(value)) {
      throw new OptionError(`${where}: ${name} ${String(value)}: expected ${row.range}.`);
    }
    values[name] = value;
  }
  return values as Resolved<R>;
}
