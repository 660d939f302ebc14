import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { netFromJson } from "../../src/index.ts";

const page = readFileSync("docs/own-nets.md", "utf8");

describe("docs/own-nets.md", () => {
  const programs = [...page.matchAll(/```ts\n([\s\S]*?)```\s+prints\s+```text\n([\s\S]*?)```/g)];

  test("has programs with what they print", () => {
    expect(programs).toHaveLength(3);
  });

  test.each(programs.map(([, program, printed], i) => ({ i, program, printed })))(
    "program $i prints what the page says",
    ({ i, program, printed }) => {
      const path = `test/package/ownNets${i}.temporary.ts`;
      writeFileSync(path, program!);
      try {
        const args = ["--conditions=source", path];
        const result = spawnSync(process.execPath, args, { encoding: "utf8" });
        expect(result.stderr).toBe("");
        expect(result.stdout).toBe(printed);
      } finally {
        rmSync(path);
      }
    },
  );

  test("shows a file that can be read", () => {
    const [, file] = /```json\n([\s\S]*?)```/.exec(page)!;
    expect(netFromJson(JSON.parse(file!), { classes: 7 })).toMatchObject({
      name: "small",
      classes: 7,
    });
  });
});
