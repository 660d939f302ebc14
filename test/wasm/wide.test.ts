import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const major = Number(process.versions.node.split(".")[0]);

/** V8 has joined vectors into 256-bit operations, behind an option, since the V8 of Node 24. */
test("256-bit code gives the bits of 128-bit code and does not end the process", ({ skip }) => {
  if (major < 24) skip(`Node ${major} has no 256-bit code`);
  const options = ["--no-liftoff", "--no-wasm-inlining"];
  const script = fileURLToPath(new URL("wideFuzz.ts", import.meta.url));
  const output = execFileSync(process.execPath, [...options, script, "150", "7"], {
    encoding: "utf8",
  });
  expect(output.trimEnd().split("\n").at(-1)).toBe("150 cases");
}, 120_000);
