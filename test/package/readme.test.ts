import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";

test("the README's program prints what the README says", () => {
  const readme = readFileSync("README.md", "utf8");
  const [, program] = /```ts\n([\s\S]*?)```/.exec(readme)!;
  const [, printed] = /```text\n([\s\S]*?)```/.exec(readme)!;
  const path = "test/package/readmeProgram.temporary.ts";
  writeFileSync(path, program!);
  try {
    const result = spawnSync(process.execPath, ["--conditions=source", path], { encoding: "utf8" });
    expect(result.stderr).toBe("");
    expect(result.stdout).toBe(printed);
  } finally {
    rmSync(path);
  }
});
