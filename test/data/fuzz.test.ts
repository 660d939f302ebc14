import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { nodeCodecs } from "../../src/data/decode/codecs.node.ts";
import { fuzzDecoders } from "./fuzz.ts";

const { cases } = JSON.parse(
  readFileSync(new URL("./golden/formats.json", import.meta.url), "utf8"),
) as { cases: { name: string; file: string }[] };

// The long run over real files is scripts/fuzzImages.ts.
it("survives 4,000 altered files of all formats", async () => {
  const files = cases.map(({ name, file }) => ({
    name,
    bytes: new Uint8Array(Buffer.from(file, "base64")),
  }));
  const tally = await fuzzDecoders(files, nodeCodecs(), { seed: 1, inputs: 4000 });
  expect(
    tally.findings.map(({ seedFile, number, problem }) => [seedFile, number, problem]),
  ).toEqual([]);
  expect(tally.decoded).toBeGreaterThan(200);
  expect(tally.refused).toBeGreaterThan(1000);
}, 120_000);
