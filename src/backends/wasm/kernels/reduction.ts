/** The operations that reductions repeat, and code for them. */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Instruction } from "../instructions.ts";

/** What a reduction does with all elements. */
export type ReductionKind = "sum" | "product" | "maximum" | "minimum";

/** Instruction that joins two values, and the value that changes nothing. NaN wins everywhere. */
export const reductionKinds = {
  sum: { instruction: "f32x4.add", identity: 0 },
  product: { instruction: "f32x4.mul", identity: 1 },
  maximum: { instruction: "f32x4.max", identity: -Infinity },
  minimum: { instruction: "f32x4.min", identity: Infinity },
} as const satisfies Record<ReductionKind, { instruction: Instruction; identity: number }>;

/**
 * Joins values pairwise in a tree while they are produced: the first with the second, the third
 * with the fourth, then those two, and so on. Errors of a sum then grow with the logarithm of the
 * count.
 */
export class PairwiseTree {
  readonly #f: FunctionBuilder;
  readonly #instruction: Instruction;
  readonly #levels: { level: number; value: Local }[] = [];

  constructor(f: FunctionBuilder, kind: ReductionKind) {
    this.#f = f;
    this.#instruction = reductionKinds[kind].instruction;
  }

  /** Takes the value on the stack. */
  add(): void {
    const f = this.#f;
    let level = 0;
    for (;;) {
      const last = this.#levels.at(-1);
      if (last === undefined || last.level !== level) break;
      this.#levels.pop();
      f.get(last.value).op(this.#instruction);
      f.release(last.value);
      level++;
    }
    const value = f.local("v128");
    f.set(value);
    this.#levels.push({ level, value });
  }

  /** Pushes the joined value of all that were added. */
  push(): void {
    const f = this.#f;
    const last = this.#levels.pop()!;
    f.get(last.value);
    f.release(last.value);
    for (const { value } of this.#levels.toReversed()) {
      f.get(value).op(this.#instruction);
      f.release(value);
    }
    this.#levels.length = 0;
  }
}

/** Joins the four lanes of `value`; lane 0 has the result. */
export function joinLanes(f: FunctionBuilder, kind: ReductionKind, value: Local): void {
  const { instruction } = reductionKinds[kind];
  f.get(value).get(value).get(value).shuffle(2, 3, 2, 3).op(instruction).set(value);
  f.get(value).get(value).get(value).shuffle(1, 1, 1, 1).op(instruction).set(value);
}
