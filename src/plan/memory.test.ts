import fc from "fast-check";
import { expect, test } from "vitest";
import { align, type Lifetime, lowerBound, planArena } from "./memory.ts";

const lifetimes = fc.array(
  fc
    .tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(40), fc.nat(20))
    .map(([bytes, first, span]): Lifetime => ({ bytes, first, last: first + span })),
  { maxLength: 60 },
);

test("buffers alive together never overlap, and the total covers all", () => {
  fc.assert(
    fc.property(lifetimes, (list) => {
      const { offsets, bytes } = planArena(list);
      list.forEach((a, i) => {
        expect(offsets[i]! % 64).toBe(0);
        expect(offsets[i]! + a.bytes).toBeLessThanOrEqual(bytes);
        list.slice(0, i).forEach((b, j) => {
          const together = a.first <= b.last && b.first <= a.last;
          const apart =
            offsets[i]! + align(a.bytes) <= offsets[j]! ||
            offsets[j]! + align(b.bytes) <= offsets[i]!;
          expect(apart || !together).toBe(true);
        });
      });
      expect(bytes).toBeGreaterThanOrEqual(lowerBound(list));
    }),
  );
});

test("a chain of equal buffers needs room for two", () => {
  const chain = Array.from({ length: 10 }, (_, i) => ({ bytes: 100, first: i, last: i + 1 }));
  expect(planArena(chain).bytes).toBe(2 * align(100));
});
