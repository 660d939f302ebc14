import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import type { Session } from "../../src/plan/backend.ts";
import { testedBackends } from "./backends.ts";
import { functionCases, opCases } from "./index.ts";
import type { OpCase } from "./opCase.ts";
import { compute, isDifferentiable, slopes } from "./runCase.ts";

const all: Readonly<Record<string, readonly OpCase[]>> = { ...opCases, ...functionCases };
const [, ...fastBackends] = testedBackends();

/** Share of the largest number by which a fast backend may be off, and the least that counts as a difference. */
const defaultTolerance = 1e-5;
const leastDifference = 1e-6;
/** Central differences are exact to about 1e-9 here; what is fetched is rounded to float32. */
const slopeTolerance = 2e-6;

function largest(numbers: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) most = Math.max(most, Math.abs(numbers[i]!));
  return most;
}

function expectClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  share: number,
): void {
  expect(actual.length, what).toBe(expected.length);
  const exact = expected instanceof Int32Array;
  const allowed = exact ? 0 : Math.max(share * largest(expected), leastDifference);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    if (!(error <= allowed)) {
      expect.fail(
        `${what}[${i}]: got ${actual[i]}, expected ${expected[i]}, off by ${error}, allowed ${allowed}`,
      );
    }
  }
}

describe.each(Object.entries(all))("%s", (_, cases) => {
  test.each(cases)("$name: the gradient is a central difference", async (row) => {
    if (!isDifferentiable(row)) return;
    const session = await reference().open();
    if (row.noFiniteDifferences !== undefined) {
      expect((await compute(session, row)).gradients.length).toBeGreaterThan(0);
      return;
    }
    for (const order of row.secondOrder === false ? ([1] as const) : ([1, 2] as const)) {
      const found = await slopes(session, row, order);
      expect(found.length).toBeGreaterThan(0);
      const allowed = slopeTolerance * Math.max(1, largest(found.map((slope) => slope.difference)));
      for (const slope of found) {
        const error = Math.abs(slope.gradient - slope.difference);
        if (!(error <= allowed)) {
          expect.fail(
            `order ${order}: d/d input ${slope.input}[${slope.element}] is ${slope.gradient}, the difference ${slope.difference}, off by ${error}`,
          );
        }
      }
    }
  });
});

describe.each(fastBackends)("on $name as on reference", (backend) => {
  let session: Session;
  beforeAll(async () => {
    session = await backend.open();
  });
  afterAll(() => session.close());

  describe.each(Object.entries(all))("%s", (_, cases) => {
    test.each(cases)("$name", async (row) => {
      const share = row.tolerance ?? defaultTolerance;
      const expected = await compute(await reference().open(), row);
      const actual = await compute(session, row);
      expected.outputs.forEach((numbers, i) => {
        expectClose(`output ${i}`, actual.outputs[i]!, numbers, share);
      });
      expected.gradients.forEach((numbers, i) => {
        expectClose(`gradient ${i}`, actual.gradients[i]!, numbers, share);
      });
    });
  });
});
