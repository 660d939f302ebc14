/** Where the benchmark keeps what it installs and makes: `.cache/bench` of the checkout, which git ignores. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url));
export const cache = join(root, ".cache", "bench");

/**
 * Installs packages of npm into the cache, without their scripts: onnxruntime-node's fetches a CUDA provider from
 * elsewhere, and none of the peers needs its script on a CPU. Returns why it failed, or undefined.
 */
export function install(packages: readonly string[]): string | undefined {
  mkdirSync(cache, { recursive: true });
  const manifest = join(cache, "package.json");
  if (!existsSync(manifest)) writeFileSync(manifest, '{ "private": true }\n');
  const missing = packages.filter((spec) => {
    const name = spec.replace(/(.)@.*$/, "$1");
    return !existsSync(join(cache, "node_modules", name, "package.json"));
  });
  if (missing.length === 0) return undefined;
  process.stderr.write(`installing ${missing.join(" ")} into .cache/bench\n`);
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund"];
  const { status, stderr, error } = spawnSync("npm", ["install", ...flags, ...missing], {
    cwd: cache,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (status === 0) return undefined;
  return `npm install ${missing.join(" ")} failed: ${(error?.message ?? stderr).trim().split("\n")[0]}`;
}
