import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { ownValue } from "../ownValue.ts";

type Sides = readonly [readonly [number, number], readonly [number, number]];

/** Settings of a Keras layer, each checked as it is read; `null` counts as left out, as in Keras. */
export class LayerConfig {
  readonly #config: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(config: Readonly<Record<string, unknown>>, where: string) {
    this.#config = config;
    this.#where = where;
  }

  /** An error for what a layer of Keras may do and none of ours does. */
  unsupported(what: string): UnsupportedError {
    return new UnsupportedError(`${this.#where}: it has ${what}; that is not supported.`);
  }

  value(key: string): unknown {
    return ownValue(this.#config, key) ?? undefined;
  }

  has(key: string): boolean {
    return this.value(key) !== undefined;
  }

  number(key: string, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.#wrong(key, "a number");
  }

  integer(key: string, otherwise?: number): number {
    const value = this.value(key) ?? otherwise;
    if (isSize(value)) return value;
    throw this.#wrong(key, "an integer of at least 1");
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.value(key) ?? otherwise;
    if (typeof value === "boolean") return value;
    throw this.#wrong(key, "true or false");
  }

  choice<const T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    const value = this.value(key) ?? otherwise;
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    throw this.unsupported(`"${key}": ${JSON.stringify(value)} (${choices.join(" or ")} is)`);
  }

  /** Vertical and horizontal; one number stands for both. */
  pair(key: string, otherwise?: readonly [number, number]): [number, number] {
    const value = this.value(key) ?? otherwise;
    const list = Array.isArray(value) && value.length === 2 ? value : [value, value];
    if (list.every(isSize)) return list as [number, number];
    throw this.#wrong(key, "one or two integers of at least 1");
  }

  /** One number for all channels, or one for each. */
  numbers(key: string, otherwise?: number): number | readonly number[] {
    const value = this.value(key) ?? otherwise;
    const list = Array.isArray(value) ? value.flat(4) : [value];
    if (list.length > 0 && list.every((item) => typeof item === "number")) {
      return Array.isArray(value) ? list : list[0]!;
    }
    throw this.#wrong(key, "numbers");
  }

  /** Sizes of which one may be −1. */
  sizes(key: string): readonly number[] {
    const value = this.value(key);
    const list = Array.isArray(value) ? value : [];
    if (list.length > 0 && list.every((size) => size === -1 || isSize(size))) return list;
    throw this.#wrong(key, "a list of sizes");
  }

  /** `[[top, bottom], [left, right]]`, `[vertical, horizontal]`, or one number. */
  sides(key: string): Sides {
    const value = this.value(key) ?? 1;
    const axes = Array.isArray(value) && value.length === 2 ? value : [value, value];
    const sides = axes.map((axis: unknown) =>
      Array.isArray(axis) && axis.length === 2 ? axis : [axis, axis],
    );
    if (sides.flat().every((side) => side === 0 || isSize(side))) return sides as unknown as Sides;
    throw this.#wrong(key, "integers of at least 0");
  }

  expectChannelsLast(): void {
    this.choice("data_format", ["channels_last"], "channels_last");
  }

  /** Checks that an axis is that of the channels, the last: of two in a vector, of four in a map. */
  expectLastAxis(key: string, isFlat: boolean): void {
    const value = this.value(key) ?? -1;
    const axis: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
    if (axis === -1 || axis === (isFlat ? 1 : 3)) return;
    throw this.unsupported(`"${key}": ${JSON.stringify(value)} (the last axis, -1, is)`);
  }

  #wrong(key: string, expected: string): FormatError {
    const value = JSON.stringify(this.value(key))?.slice(0, 60) ?? "nothing";
    return new FormatError(`${this.#where}: "${key}" is ${value}; expected ${expected}.`);
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 31;
}
