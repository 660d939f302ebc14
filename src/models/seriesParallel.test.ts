import { describe, expect, test } from "vitest";
import { type Arrangement, arrange, foldRepeats, unitsOf } from "./seriesParallel.ts";

/** Units called by their positions: `a`, `b`, …, each with the letters it reads; `.` is the input. */
function arranged(...sources: readonly string[]) {
  return arrange(
    sources.map((from, i) => ({
      unit: String.fromCharCode(97 + i),
      from: [...from].map((letter) => (letter === "." ? -1 : letter.charCodeAt(0) - 97)),
    })),
  );
}

/** `a (b | c-d | ) e`. */
function written(way: Arrangement<string>): string {
  switch (way.kind) {
    case "unit":
      return way.unit;
    case "series":
      return way.parts.map(written).join("-");
    case "branching":
      return `(${way.ways.map(written).join("|")})${way.meet ?? ""}`;
    case "repeat":
      return `${way.count}*[${written(way.body)}]`;
  }
}

describe("arrange", () => {
  test.each([
    ["a chain", [".", "a", "b"], "a-b-c"],
    ["branches that meet", [".", "a", "a", "c", "bd"], "a-(b|c-d)e"],
    ["a shortcut", [".", "a", "b", "ac"], "a-(b-c|)d"],
    ["branches from the input", [".", ".", "ab"], "(a|b)c"],
    ["a shortcut round a shortcut", [".", "a", "b", "bc", "ad"], "a-(b-(c|)d|)e"],
    ["branches with shortcuts inside", [".", "a", "ab", "a", "d", "ce"], "a-((b|)c|d-e)f"],
    ["three of them, one the input", [".", "a", "a", "abc"], "a-(b|c|)d"],
    ["branches that never meet", [".", "a", "a"], "a-(b|c)"],
  ])("%s", (_, sources, expected) => {
    const { way, omitted } = arranged(...sources);
    expect(written(way)).toBe(expected);
    expect(omitted).toEqual([]);
  });

  test("leaves out the longest bypass of what is entangled, but no shortcut inside", () => {
    // Two branches b-(c|)d and e go to f and, past it, to g as well.
    const { way, omitted } = arranged(".", "a", "b", "bc", "a", "de", "dfe");
    expect(written(way)).toBe("a-(b-(c|)d|e)f-g");
    expect(omitted).toEqual([
      [3, 6],
      [4, 6],
    ]);
  });

  test("puts in a row what no leaving out unties", () => {
    const { way, omitted } = arranged(".", "a", "a", "bc", "bc", "de");
    expect(omitted).toEqual([]);
    expect(unitsOf(way)).toEqual(["a", "b", "c", "d", "e", "f"]);
  });

  test("loses no unit of a large net", () => {
    const blocks = Array.from({ length: 60 }, (_, i) => [
      { unit: `conv${i}`, from: [2 * i - 1] },
      { unit: `sum${i}`, from: [2 * i - 1, 2 * i] },
    ]).flat();
    expect(unitsOf(arrange(blocks).way)).toHaveLength(120);
  });
});

describe("foldRepeats", () => {
  const fold = (...sources: readonly string[]) =>
    written(foldRepeats(arranged(...sources).way, (unit) => (unit === "a" ? "a" : "same")));

  test("draws equal blocks once, with the box where their ways meet", () => {
    expect(fold(".", "a", "ab", "c", "cd", "e", "ef")).toBe("a-3*[(b|)c]");
  });

  test("leaves single boxes alone up to three", () => {
    expect(fold(".", "a", "b", "c")).toBe("a-b-c-d");
    expect(fold(".", "a", "b", "c", "d")).toBe("a-4*[b]");
  });

  test("finds patterns of several parts", () => {
    const chain = arranged(".", "a", "b", "c", "d", "e").way;
    const key = (unit: string) => ("ace".includes(unit) ? "odd" : "even");
    expect(written(foldRepeats(chain, key))).toBe("3*[a-b]");
  });
});
