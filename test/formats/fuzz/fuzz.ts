import { StriateError } from "../../../src/core/errors.ts";
import { RandomStream } from "../../../src/core/random.ts";
import { mutate } from "./mutate.ts";
import type { FuzzTarget } from "./targets.ts";

/** Limits that every input must keep; the time is that of the processor. */
export const maxMilliseconds = 2000;
export const maxMemoryBytes = 256 * 2 ** 20;

/** What became of the inputs of one target. */
export interface FuzzResult {
  readonly target: string;
  inputs: number;
  accepted: number;
  slowestMs: number;
  /** Inputs that ended in anything but success or an error of ours, or broke a limit. */
  readonly failures: { readonly input: number; readonly reason: string }[];
}

export interface FuzzOptions {
  readonly seed: number;
  /** Number of the first input; each input depends on the seed and its number alone. */
  readonly first: number;
  readonly count: number;
}

/** Input number `index` of a target: one of its seeds, changed. */
export function fuzzInput(target: FuzzTarget, seed: number, index: number): Uint8Array {
  const random = new RandomStream(seed, `${target.name} ${index}`);
  const from = target.seeds[random.integer(target.seeds.length)]!;
  const other = target.seeds[random.integer(target.seeds.length)]!;
  return mutate(from, other, random);
}

/** Feeds changed files to a parser. */
export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const result: FuzzResult = {
    target: target.name,
    inputs: 0,
    accepted: 0,
    slowestMs: 0,
    failures: [],
  };
  const baseBytes = process.memoryUsage.rss();
  for (let index = options.first; index < options.first + options.count; index++) {
    const input = fuzzInput(target, options.seed, index);
    const fail = (reason: string) => result.failures.push({ input: index, reason });
    const before = process.cpuUsage();
    try {
      await target.run(input);
      result.accepted++;
    } catch (error) {
      if (!(error instanceof StriateError))
        fail(error instanceof Error ? `${error.stack}` : String(error));
    }
    // Time of the processor, all threads: on a busy machine the clock says how long others had it.
    const { user, system } = process.cpuUsage(before);
    const elapsed = (user + system) / 1000;
    result.inputs++;
    result.slowestMs = Math.max(result.slowestMs, elapsed);
    if (elapsed > maxMilliseconds) fail(`${elapsed.toFixed(0)} ms`);
    const grown = process.memoryUsage.rss() - baseBytes - input.length;
    if (grown > maxMemoryBytes) fail(`${(grown / 2 ** 20).toFixed(0)} MiB more than before`);
  }
  return result;
}
