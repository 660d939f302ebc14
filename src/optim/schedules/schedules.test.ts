import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  constant,
  cosineDecay,
  inverseTimeDecay,
  multiStepDecay,
  oneCycle,
  polynomialDecay,
  reduceOnPlateau,
  type Schedule,
  schedules,
  stepDecay,
  warmup,
} from "./index.ts";

/** Recorded by test/golden/schedules/make.py. */
const golden = JSON.parse(
  readFileSync(new URL("../../../test/golden/schedules/rates.json", import.meta.url), "utf8"),
) as readonly {
  readonly schedule: string;
  readonly options: never;
  readonly lr: readonly number[];
  readonly momentum?: readonly number[];
  readonly metric?: readonly (number | null)[];
}[];

function make(name: string, options: never): Schedule {
  if (name === "warmup constant") return warmup(constant(), options);
  return schedules[name as keyof typeof schedules](options);
}

function rates(schedule: Schedule, total: number, lr = 0.1, history: number[] = []): number[] {
  return Array.from({ length: total }, (_, step) =>
    schedule.rate({ step, total, lr, history: history.slice(0, step) }),
  );
}

test.each(golden)("$schedule $options equals PyTorch's", ({ schedule: name, ...row }) => {
  const schedule = make(name, row.options);
  const history = (row.metric ?? []).map((value) => value ?? Number.NaN);
  row.lr.forEach((expected, step) => {
    const context = { step, total: row.lr.length, lr: 0.1, history: history.slice(0, step) };
    expect(schedule.rate(context)).toBeCloseTo(expected, 14);
    const momentum = row.momentum?.[step];
    if (momentum !== undefined) expect(schedule.momentum?.(context)).toBeCloseTo(momentum, 14);
  });
});

test("a constant rate and 1/t", () => {
  expect(rates(constant(), 3)).toEqual([0.1, 0.1, 0.1]);
  expect(rates(inverseTimeDecay({ decay: 0.5 }), 4, 6)).toEqual([6, 4, 3, 2.4]);
});

describe("warm-up", () => {
  test("reaches the full rate in its last step, and then starts the schedule behind it", () => {
    const schedule = warmup(cosineDecay(), { steps: 4 });
    const all = rates(schedule, 10, 1);
    expect(all.slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(all[7]).toBeCloseTo((1 + Math.cos(Math.PI / 2)) / 2, 14);
  });

  test("may leave the steps of the schedule behind it as they are", () => {
    const schedule = warmup(multiStepDecay({ milestones: [5] }), { steps: 4, restart: false });
    expect(rates(schedule, 6, 1).slice(4)).toEqual([1, 0.1]);
  });

  test("passes on the momentum of the schedule behind it", () => {
    const schedule = warmup(oneCycle(), { steps: 2 });
    expect(schedule.momentum?.({ step: 2, total: 12, lr: 1, history: [] })).toBe(0.95);
    expect(warmup(constant()).momentum).toBeUndefined();
  });

  test("records what is behind it", () => {
    expect(warmup(stepDecay({ every: 3 })).options).toEqual({
      steps: 5,
      startFactor: 0,
      restart: true,
      schedule: { name: "step", every: 3, gamma: 0.1 },
    });
  });
});

test("reduce on plateau can watch the change between epochs", () => {
  const schedule = reduceOnPlateau({
    against: "previous",
    patience: 0,
    threshold: 0.05,
    thresholdMode: "absolute",
    factor: 0.5,
  });
  // Better than the epoch before by more than 0.05, though never better than the first.
  const history = [1, 3, 2.9, 2.8, 2.79, 2.7];
  expect(rates(schedule, 7, 1, history)).toEqual([1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]);
});

test("a step between two epochs lies between their rates", () => {
  const rate = (step: number) => cosineDecay().rate({ step, total: 10, lr: 1, history: [] });
  expect(rate(3.5)).toBeLessThan(rate(3));
  expect(rate(3.5)).toBeGreaterThan(rate(4));
});

test("a schedule over no steps at all stays finite", () => {
  for (const schedule of [cosineDecay(), polynomialDecay(), oneCycle(), warmup(cosineDecay())]) {
    expect(rates(schedule, 1, 1)[0]).toBeGreaterThan(0);
  }
});

describe("options out of range are refused", () => {
  test.each<[() => Schedule, string]>([
    [() => stepDecay({ every: 0 }), "every 0: expected an integer of at least 1"],
    [() => stepDecay({ gama: 0.1 } as never), 'Did you mean "gamma"?'],
    [() => multiStepDecay({ milestones: [30, 10] }), "[30, 10]: expected ascending"],
    [() => reduceOnPlateau({ mode: "low" as never }), "mode low: expected min, max"],
    [() => warmup(constant(), { startFactor: 2 }), "startFactor 2: expected at most 1"],
    [() => oneCycle({ rise: 1.5 }), "rise 1.5: expected from 0 to 1"],
  ])("%o", (make, message) => {
    expect(make).toThrow(message);
  });
});
