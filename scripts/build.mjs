// `npm run build`: compiles src to dist (ES modules and declarations, file by file) and checks the package's shape.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";

rmSync("dist", { recursive: true, force: true });
for (const [command, ...args] of [
  ["tsc", "-p", "tsconfig.build.json"],
  ["publint", "--strict"],
  ["attw", "--pack", ".", "--profile", "esm-only"],
]) {
  const { status } = spawnSync("npx", ["--no-install", command, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
