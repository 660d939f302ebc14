import { describe, test } from "vitest";
import { layerCases } from "./cases.ts";
import { checkLayer } from "./checkLayer.ts";

describe.each(Object.entries(layerCases))("%s", (_, cases) => {
  test.each(cases.map((layerCase, i) => [i, layerCase] as const))(
    "case %i",
    async (_, layerCase) => {
      await checkLayer(layerCase.layer, layerCase);
    },
  );
});
