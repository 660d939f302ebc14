import { describe, expect, test } from "vitest";
import {
  accuracy,
  calibration,
  classReport,
  confusionMatrix,
  logLoss,
  normalQuantile,
  topClasses,
  topKAccuracy,
  wilsonInterval,
} from "./index.ts";

describe("accuracy", () => {
  test("counts what is right", () => {
    expect(accuracy([0, 1, 2, 1], [0, 1, 1, 1])).toEqual({ accuracy: 0.75, correct: 3, total: 4 });
  });

  test("refuses what cannot be judged", () => {
    expect(() => accuracy([], [])).toThrow("no examples");
    expect(() => accuracy([1], [1, 2])).toThrow("1 predictions for 2 targets");
  });
});

describe("top k", () => {
  const scores = [0.1, 0.5, 0.4, 0.2, 0.2, 0.6];

  test("looks among the k best scores", () => {
    expect(topKAccuracy(scores, [2, 1], 1).correct).toBe(0);
    expect(topKAccuracy(scores, [2, 0], 2).correct).toBe(2);
    expect(topKAccuracy(scores, [2, 1], 3).correct).toBe(2);
  });

  test("a tie goes to the lower class, so equal scores gain nothing", () => {
    expect(topKAccuracy([1, 1, 1], [2], 2).correct).toBe(0);
    expect(topKAccuracy([1, 1, 1], [1], 2).correct).toBe(1);
    expect(topClasses([1, 3, 3, 2], 3)).toEqual([1, 2, 3]);
  });

  test("NaN is the worst score", () => {
    expect(topKAccuracy([Number.NaN, 0], [0], 2).correct).toBe(0);
    expect(topClasses([Number.NaN, -1, 0], 3)).toEqual([2, 1, 0]);
  });

  test("with k of 1 it is the accuracy of argMax", () => {
    expect(topKAccuracy([3, 3, 1, 2], [0, 1], 1)).toEqual({ accuracy: 1, correct: 2, total: 2 });
  });
});

describe("confusion matrix and class report", () => {
  // Worked out by hand from the definitions.
  const target = [0, 0, 0, 1, 1, 2, 2, 2, 2];
  const predicted = [0, 1, 0, 1, 1, 2, 0, 2, 2];
  const matrix = confusionMatrix(predicted, target, 3);

  test("rows are targets, columns predictions", () => {
    expect(matrix).toEqual([
      [2, 1, 0],
      [0, 2, 0],
      [1, 0, 3],
    ]);
  });

  test("precision, recall and F1 of each class and their averages", () => {
    const { classes, macro, weighted } = classReport(matrix);
    expect(classes.map((c) => c.precision)).toEqual([2 / 3, 2 / 3, 1]);
    expect(classes.map((c) => c.recall)).toEqual([2 / 3, 1, 3 / 4]);
    expect(classes[1]!.f1).toBeCloseTo(0.8, 15);
    expect(classes[2]!.f1).toBeCloseTo(6 / 7, 15);
    expect(classes.map((c) => c.support)).toEqual([3, 2, 4]);
    expect(macro.recall).toBeCloseTo(0.8055555555555555, 14);
    expect(weighted.precision).toBeCloseTo(0.8148148148148148, 14);
    expect(macro.f1).toBeCloseTo(0.7746031746031746, 14);
  });

  test("a class that is never predicted has precision 0, one that is nowhere does not count", () => {
    const { classes, macro } = classReport(confusionMatrix([0, 0], [0, 1], 3));
    expect(classes[1]).toEqual({ precision: 0, recall: 0, f1: 0, support: 1, predicted: 0 });
    expect(macro.recall).toBe(0.5);
  });

  test("refuses classes that do not exist", () => {
    expect(() => confusionMatrix([3], [0], 3)).toThrow("prediction 3; there are 3 classes");
    expect(() => confusionMatrix([0], [-1], 3)).toThrow("target -1");
  });
});

describe("log loss", () => {
  test("is the mean of -ln p", () => {
    expect(logLoss([0.5, 0.5, 0.9, 0.1], [0, 1])).toBeCloseTo(
      -(Math.log(0.5) + Math.log(0.1)) / 2,
      14,
    );
  });

  test("a certain mistake costs 15.9, not infinity", () => {
    expect(logLoss([0, 1], [0])).toBeCloseTo(23 * Math.LN2, 12);
  });

  test("refuses a class without probability", () => {
    expect(() => logLoss([0.5, 0.5], [2])).toThrow("none for class 2");
  });
});

describe("Wilson's interval", () => {
  test("93 of 100 gives 0.8625 to 0.9657", () => {
    const [low, high] = wilsonInterval(93, 100);
    expect(low).toBeCloseTo(0.8625, 4);
    expect(high).toBeCloseTo(0.9657, 4);
  });

  test("stays inside 0 and 1, and never has no width", () => {
    const [low, high] = wilsonInterval(10, 10);
    expect(high).toBe(1);
    expect(low).toBeCloseTo(0.7225, 4);
    expect(wilsonInterval(0, 10)[0]).toBe(0);
  });

  test("refuses what is no share", () => {
    expect(() => wilsonInterval(5, 4)).toThrow("5 of 4");
    expect(() => wilsonInterval(0, 0)).toThrow("0 of 0");
  });
});

test("the normal quantile agrees with tables", () => {
  expect(normalQuantile(0.5)).toBe(0);
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 14);
  expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306167813, 13);
  expect(normalQuantile(1e-15)).toBeCloseTo(-7.941345326170997, 12);
  expect(() => normalQuantile(1)).toThrow("p 1");
});

describe("calibration", () => {
  test("measures the gap between confidence and accuracy", () => {
    const result = calibration([0.95, 0.95, 0.95, 0.95, 0.55, 0.55], [1, 1, 1, 0, 1, 0], {
      bins: 10,
    });
    expect(result.bins[9]).toEqual({
      from: 0.9,
      to: 1,
      count: 4,
      confidence: 0.95,
      accuracy: 0.75,
    });
    expect(result.bins[0]).toMatchObject({ count: 0, confidence: null, accuracy: null });
    expect(result.ece).toBeCloseTo((4 / 6) * 0.2 + (2 / 6) * 0.05, 14);
    expect(result.mce).toBeCloseTo(0.2, 14);
  });

  test("a confidence at an edge belongs to the bin below, 0 to the first", () => {
    const { bins } = calibration([0, 0.5, 1], [0, 1, 1], { bins: 2 });
    expect(bins.map((bin) => bin.count)).toEqual([2, 1]);
  });

  test("refuses what is no probability", () => {
    expect(() => calibration([1.5], [1])).toThrow("confidence 1.5 of example 0");
  });
});
