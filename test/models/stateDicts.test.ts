import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/core/shape.ts";
import { createNet } from "../../src/models/index.ts";
import { buildOne } from "./build.ts";
import { ourName } from "./torchvisionNames.ts";

/** Counts and a digest of names, shapes and kinds; made by the script beside it. */
interface StateDictFacts {
  readonly parameters: number;
  readonly tensors: number;
  readonly sha256: string;
}

const file = new URL("../golden/models/stateDicts.json", import.meta.url);
const { nets } = JSON.parse(readFileSync(file, "utf8")) as {
  readonly nets: Readonly<Record<string, StateDictFacts>>;
};

describe("state dictionaries of torchvision's networks", () => {
  it.each(Object.entries(nets))("%s", (architecture, expected) => {
    const { name, variant } = ourName(architecture);
    const { parameters } = buildOne(createNet(name, { variant }));
    const trained = parameters.filter(({ kind }) => kind === "parameter");
    expect(trained.reduce((sum, { shape }) => sum + elementCount(shape), 0)).toBe(
      expected.parameters,
    );
    expect(parameters.length).toBe(expected.tensors);
    const rows = parameters.map(({ name, shape, kind }) => `${name} [${shape.join(", ")}] ${kind}`);
    const digest = createHash("sha256").update(rows.join("\n")).digest("hex");
    expect(digest).toBe(expected.sha256);
  });
});
