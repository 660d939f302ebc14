import { z } from "zod";
import type { RandomStream } from "../../core/random.ts";

/** Lowest and highest value that is drawn. */
export type Range = readonly [low: number, high: number];

/** A pair of numbers in order, within limits. */
export function rangeOption(minimum: number, maximum: number): z.ZodType<Range> {
  const bound = z.number().min(minimum).max(maximum);
  return z
    .tuple([bound, bound])
    .refine(([low, high]) => low <= high, { message: "the first must not be above the second" });
}

/** The chance, from 0 to 1, that something happens to an image. */
export function chanceOption(byDefault: number): z.ZodDefault<z.ZodNumber> {
  return z.number().min(0).max(1).default(byDefault);
}

/** A number drawn evenly from a range. */
export function drawBetween(random: RandomStream, [low, high]: Range): number {
  return low + (high - low) * random.uniform();
}

/** A number drawn so that its logarithm is even over the range. */
export function drawLogBetween(random: RandomStream, [low, high]: Range): number {
  return Math.exp(drawBetween(random, [Math.log(low), Math.log(high)]));
}
