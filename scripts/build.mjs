// `npm run build`: compiles src to dist (ES modules and declarations, file by file) and checks the package's shape.
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { bundle } from "./bundle.ts";

rmSync("dist", { recursive: true, force: true });
run("tsc", "-p", "tsconfig.build.json");
// The script of exported pages, so that the package needs no bundler where it is used.
writeFileSync("dist/exporters/page/page.bundle.js", await bundle("src/exporters/page/page.ts"));
run("publint", "--strict");
run("attw", "--pack", ".", "--profile", "esm-only");

function run(command, ...args) {
  const { status } = spawnSync("npx", ["--no-install", command, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
