import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz/fuzz.ts";
import { fuzzTargets } from "./fuzz/targets.ts";

/** A short run; `scripts/fuzzFormats.ts` makes it a million. */
const count = 150;

const targets = await fuzzTargets();

describe("changed files end in success or an error of ours, within 2 s and 256 MiB", () => {
  it.each(targets.map((target) => [target.name, target] as const))("%s", async (_, target) => {
    const result = await fuzz(target, { seed: 7, first: 0, count });
    expect(result.failures).toEqual([]);
    expect(result.inputs).toBe(count);
  });

  it.each(targets.map((target) => [target.name, target] as const))(
    "%s reads the files that the changes start from",
    async (_, target) => {
      for (const seed of target.seeds) await target.run(seed);
    },
  );
});
