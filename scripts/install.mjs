// Runs on any Node from 20.19 on, before anything is installed: plain JavaScript, no imports but node's own.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The folder of the checkout. */
export const root = fileURLToPath(new URL("..", import.meta.url));

const oldestNode = [20, 19];

/** Installs the locked packages if they are missing or differ from the lock file. Output goes to stderr. */
export function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    process.stderr.write(
      `This is Node ${process.versions.node}; Striate needs Node ${oldestNode.join(".")} or newer.\n`,
    );
    process.exit(1);
  }
  const difference = differenceFromLock();
  if (difference === undefined) return;
  process.stderr.write(`Installing packages (${difference}) …\n`);
  const { command, prefix } = npm();
  // Not `npm ci`: it refuses a lock file without the entries of other platforms' optional packages, which
  // some registries do not carry. `--no-save` keeps to the lock and leaves it as it is.
  const result = spawnSync(
    command,
    // The tools among the packages want a newer Node than may run this, and get one: the package `node`.
    [...prefix, "install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error"],
    {
      cwd: root,
      stdio: ["ignore", 2, 2],
      shell: process.platform === "win32" && prefix.length === 0,
    },
  );
  if (result.status !== 0) {
    process.stderr.write("npm install failed; its messages are above.\n");
    process.exit(1);
  }
}

/**
 * Runs a script of the checkout under the Node that is a development dependency (it runs TypeScript
 * unbuilt) and exits as it does. Signals reach the script, which decides what to do with them.
 */
export function runUnderProjectNode(script, args) {
  // Node keeps what it compiled, and sources without their types, on disk. The command line switches that on for itself,
  // but only after its first file: that alone would load the stripper of types, a tenth of a second at every start.
  const cache = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), "node-compile-cache");
  const child = spawn(projectNode(), ["--conditions=source", join(root, script), ...args], {
    stdio: "inherit",
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  // On a terminal Ctrl-C goes to both; the child stops in its own time and this process waits for it.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Path of the Node that runs the project's scripts. */
export function projectNode() {
  const name = process.platform === "win32" ? "node.exe" : "node";
  const bundled = join(root, "node_modules", "node", "bin", name);
  if (existsSync(bundled)) return bundled;
  if (process.features.typescript) return process.execPath;
  process.stderr.write(
    `node_modules/node/bin/${name} is missing (npm was told to skip install scripts?), and this Node ${process.versions.node} does not run TypeScript. Run "npm rebuild node", or start with Node 24 or newer.\n`,
  );
  process.exit(1);
}

// npm keeps its own copy of the lock beside the packages that it installed.
function differenceFromLock() {
  const installedPath = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installedPath)) return "node_modules is missing";
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedPath, "utf8")).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    // Optional packages are often those of other platforms.
    if (path === "" || entry.optional) continue;
    if (installed[path]?.version !== entry.version) {
      return `${path.replace("node_modules/", "")} ${entry.version} is not there`;
    }
  }
  return undefined;
}

// Under `npm start` npm says where it is; otherwise it is looked for on the path.
function npm() {
  const path = process.env.npm_execpath;
  if (path !== undefined && /npm-cli\.c?js$/.test(path)) {
    return { command: process.execPath, prefix: [path] };
  }
  return { command: "npm", prefix: [] };
}
