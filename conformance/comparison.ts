/** How one case came out; the rows of `--json`. */
export interface CaseResult {
  readonly case: string;
  /** Operation, architecture or algorithm that the case is about. */
  readonly op: string;
  readonly ok: boolean;
  /** Largest difference of the tensor that came nearest to its tolerance, or passed it by most. */
  readonly maxError: number | null;
  /** Tolerance of that tensor. */
  readonly tolerance: number | null;
  /** Why the case failed or was skipped; empty where it passed. */
  readonly reason: string;
  readonly skipped?: boolean;
}

/** Gathers the comparisons of one case. */
export class Comparison {
  #maxError: number | null = null;
  #tolerance: number | null = null;
  readonly #failures: string[] = [];

  /** Every element of `actual` must lie within `tolerance` of its partner; NaN only matches NaN. */
  tensor(
    what: string,
    actual: ArrayLike<number>,
    expected: ArrayLike<number>,
    tolerance: number,
  ): void {
    if (actual.length !== expected.length) {
      this.fail(`${what}: ${actual.length} elements, expected ${expected.length}`);
      return;
    }
    let worst = 0;
    let place = 0;
    for (let i = 0; i < expected.length; i++) {
      const error = difference(actual[i]!, expected[i]!);
      if (error > worst) {
        worst = error;
        place = i;
      }
    }
    this.number(`${what}[${place}]`, actual[place] ?? 0, expected[place] ?? 0, tolerance);
  }

  /** One number must lie within `tolerance` of another. */
  number(what: string, actual: number, expected: number, tolerance: number): void {
    const error = difference(actual, expected);
    if (this.#tolerance === null || error / tolerance > this.#maxError! / this.#tolerance) {
      this.#maxError = error;
      this.#tolerance = tolerance;
    }
    if (!(error <= tolerance)) {
      this.fail(
        `${what}: got ${actual}, expected ${expected}, off by ${error.toPrecision(3)}, allowed ${tolerance.toPrecision(3)}`,
      );
    }
  }

  /** Two things that must be the same, compared as JSON. */
  equal(what: string, actual: unknown, expected: unknown): void {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) this.fail(`${what}: got ${a}, expected ${b}`);
  }

  /** Two lists that must be the same, compared row by row so that a difference is named. */
  rows(what: string, actual: readonly unknown[], expected: readonly unknown[]): void {
    const count = Math.max(actual.length, expected.length);
    for (let i = 0; i < count; i++) {
      this.equal(`${what}[${i}]`, actual[i] ?? null, expected[i] ?? null);
    }
  }

  fail(reason: string): void {
    this.#failures.push(reason);
  }

  result(name: string, op: string): CaseResult {
    const [first] = this.#failures;
    const more = this.#failures.length - 1;
    return {
      case: name,
      op,
      ok: first === undefined,
      maxError: this.#maxError,
      tolerance: this.#tolerance,
      reason: first === undefined ? "" : more > 0 ? `${first} (and ${more} more)` : first,
    };
  }
}

function difference(actual: number, expected: number): number {
  if (Object.is(actual, expected) || actual === expected) return 0;
  const error = Math.abs(actual - expected);
  return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
}
