import { availableParallelism } from "node:os";
import { expect, it } from "vitest";
import { striate } from "./commandLine.ts";

it("doctor says what will be used, and when there is one thread only", async () => {
  const { code, stdout } = await striate(["doctor", "--json"]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    used: "wasm",
    threads: Math.min(availableParallelism(), 64),
    sharedMemory: true,
    backends: { wasm: { usable: true }, reference: { usable: true } },
  });
  const text = (await striate(["doctor"])).stdout;
  expect(text).toMatch(/threads +\d+, over shared memory \(SharedArrayBuffer\)/);
  expect(text).toContain("on a web page: one, unless the page is cross-origin isolated");
});
