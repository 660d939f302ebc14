import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { reference } from "../../src/backends/reference/backend.ts";
import { wasm } from "../../src/backends/wasm/backend.ts";
import type { Shape } from "../../src/core/shape.ts";
import { type Gene, kindCount, randomNet } from "./randomNet.ts";
import { compute, slopes } from "./runCase.ts";

const gene = fc.tuple(fc.nat(kindCount - 1), fc.nat(9), fc.nat(9));
const genes = (most: number): fc.Arbitrary<readonly Gene[]> =>
  fc.array(gene, { minLength: 1, maxLength: most });
const image = (most: number): fc.Arbitrary<Shape> =>
  fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 1, max: 5 }),
    fc.integer({ min: 3, max: most }),
    fc.integer({ min: 3, max: most }),
  );

/** The same nets in every run; for other ones: `STRIATE_NETS=seed,runs npm test -- randomNets`. */
const [seed = 1, factor = 1] = (process.env.STRIATE_NETS ?? "")
  .split(",")
  .filter(Boolean)
  .map(Number);
const runs = (count: number) => ({ seed, numRuns: count * factor });

/**
 * Share of the largest number by which a net of up to eight layers in float32 may be off: some make differences
 * of nearly equal numbers (norms), and Winograd's transforms cancel digits.
 */
const tolerance = 5e-4;
const leastDifference = 1e-5;

const sessions = await Promise.all([1, 2, 3, 4].map((threads) => wasm({ threads }).open()));
afterAll(() => Promise.all(sessions.map((session) => session.close())));

function largest(numbers: ArrayLike<number>): number {
  return Array.from(numbers).reduce((most, number) => Math.max(most, Math.abs(number)), 0);
}

it(
  "random nets have the reference's values and gradients, and the same bits on 1 to 4 threads",
  async () => {
    await fc.assert(
      fc.asyncProperty(image(14), genes(8), async (shape, list) => {
        const net = randomNet("random net", shape, list);
        const expected = await compute(await reference().open(), net);
        const [one, ...others] = await Promise.all(
          sessions.map((session) => compute(session, net)),
        );
        for (const other of others) expect(other).toEqual(one);
        const actual = [...one!.outputs, ...one!.gradients];
        [...expected.outputs, ...expected.gradients].forEach((numbers, i) => {
          const allowed = Math.max(tolerance * largest(numbers), leastDifference);
          numbers.forEach((number, place) => {
            expect(Math.abs(actual[i]![place]! - number), `tensor ${i}`).toBeLessThan(allowed);
          });
        });
      }),
      runs(12),
    );
  },
  120_000 * factor,
);

it(
  "random nets have the gradients that differences of the reference give",
  async () => {
    await fc.assert(
      fc.asyncProperty(image(5), genes(4), async (shape, list) => {
        const session = await reference().open();
        const found = await slopes(session, randomNet("random net", shape, list), 1);
        const allowed = 1e-5 * Math.max(1, largest(found.map(({ difference }) => difference)));
        for (const { gradient, difference, input, element } of found) {
          expect(Math.abs(gradient - difference), `input ${input}[${element}]`).toBeLessThan(
            allowed,
          );
        }
      }),
      runs(4),
    );
  },
  120_000 * factor,
);
