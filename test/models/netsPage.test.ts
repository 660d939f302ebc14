import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { netsPage } from "./netsPage.ts";

it("docs/nets.md shows the catalogue as it is", () => {
  const written = readFileSync(new URL("../../docs/nets.md", import.meta.url), "utf8");
  expect(written).toBe(netsPage());
});
