import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { catalogueDepths, depthChart } from "../../src/models/index.ts";
import { netsPage } from "./netsPage.ts";

it("docs/nets.md shows the catalogue as it is", () => {
  const written = (file: string) =>
    readFileSync(new URL(`../../docs/${file}`, import.meta.url), "utf8");
  expect(written("nets.md")).toBe(netsPage());
  expect(written("images/depths.svg")).toBe(depthChart(catalogueDepths()));
});
