import { describe, expect, it } from "vitest";
import { decideStrategy, type SetSize, type Similarity } from "./strategy.ts";

const few: SetSize = {
  images: 300,
  classes: 3,
  perClass: { smallest: 90, median: 100, largest: 110 },
};
const many: SetSize = {
  images: 3000,
  classes: 3,
  perClass: { smallest: 900, median: 1000, largest: 1100 },
};

/** Probes at an early layer and at the top. */
function measured(early: number, top: number, pixels = 0.5): Similarity {
  const probe = (cut: string, accuracy: number) => {
    const ci95 = [accuracy - 0.05, accuracy + 0.05] as const;
    return { cut, codes: 8, accuracy, ci95 };
  };
  const probes = [probe("early", early), probe("top", top)];
  return { weights: "models/w", net: "resnet18", images: 300, pixels, probes };
}

describe("decideStrategy follows the rule", () => {
  it.each([
    ["few and similar", few, measured(0.7, 0.9), "extract", "--transfer extract"],
    ["many and similar", many, measured(0.7, 0.9), "finetune", "--transfer finetune"],
    [
      "few and better early",
      few,
      measured(0.8, 0.7),
      "extract-earlier",
      "--transfer extract --cut early",
    ],
    [
      "few and hardly better than pixels",
      few,
      measured(0.55, 0.6),
      "extract-earlier",
      "--transfer extract",
    ],
    [
      "many and different",
      many,
      measured(0.8, 0.7),
      "finetune-all",
      "--transfer finetune --body-lr 1",
    ],
  ] as const)("%s", (_, size, similarity, strategy, flags) => {
    const advice = decideStrategy(size, similarity);
    expect(advice.strategy).toBe(strategy);
    expect(advice.flags).toBe(`--weights models/w ${flags}`);
  });

  it("prints the numbers it rests on", () => {
    const { why, similarity } = decideStrategy(few, measured(0.7, 0.9));
    expect(why).toContain("100 images in a typical class are few");
    expect(why).toContain("90.0 % with a linear classifier on the top codes, 50.0 % on pixels");
    expect(similarity?.value).toBeCloseTo(0.8);
  });

  it("says what it does not know without weights", () => {
    expect(decideStrategy(few, undefined)).toMatchObject({ similarity: null, strategy: "extract" });
    expect(decideStrategy(many, undefined).why).toContain("was not measured");
  });
});
