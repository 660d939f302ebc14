import { describe, expect, it } from "vitest";
import { matchTensors } from "./matchTensors.ts";

const shapes = (table: Record<string, number[]>) =>
  new Map(Object.entries(table).map(([name, shape]) => [name, { shape }]));
const net = shapes({ "conv1.weight": [4, 3, 3, 3], "bn1.weight": [4], "fc.weight": [10, 4] });

describe("matchTensors", () => {
  it("lists what fits, what lacks, what is over and what has another shape", () => {
    const file = shapes({ "conv1.weight": [4, 3, 3, 3], "fc.weight": [1000, 4], "head.bias": [4] });
    expect(matchTensors(net, file)).toEqual({
      matched: new Map([["conv1.weight", "conv1.weight"]]),
      missing: ["bn1.weight"],
      unexpected: ["head.bias"],
      misshapen: [{ name: "fc.weight", expected: [10, 4], given: [1000, 4] }],
      prefix: "",
    });
  });

  it.each(["module.", "model.backbone."])("finds the prefix %s", (prefix) => {
    const file = new Map([...net].map(([name, tensor]) => [prefix + name, tensor]));
    const match = matchTensors(net, file);
    expect(match).toMatchObject({ prefix, missing: [], unexpected: [] });
    expect(match.matched.get("fc.weight")).toBe(`${prefix}fc.weight`);
  });

  it("takes a name without the prefix where there is none with it", () => {
    const file = shapes({
      "m.conv1.weight": [4, 3, 3, 3],
      "m.bn1.weight": [4],
      "fc.weight": [10, 4],
    });
    expect(matchTensors(net, file)).toMatchObject({ prefix: "m.", missing: [], unexpected: [] });
  });

  it("makes nothing up for a file of another net", () => {
    expect(matchTensors(net, shapes({ "a.b": [1] }))).toMatchObject({
      prefix: "",
      unexpected: ["a.b"],
    });
  });
});
