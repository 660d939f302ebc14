import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { build } from "vite";

const candidates = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** An installed Chrome or Chromium, if there is one. */
export function findBrowser(): string | undefined {
  return candidates.find((path) => path !== undefined && existsSync(path));
}

/** Why browser tests cannot run here, for their skips. */
export const noBrowser =
  "no Chrome or Chromium is installed (set CHROMIUM_PATH, or install the package chromium)";

/** One minified module with everything that `entry` imports, as a user's bundler would make it. */
export async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["source", "browser", "module", "import", "default"] },
    build: {
      write: false,
      minify: true,
      target: "es2024",
      rolldownOptions: { input: entry },
    },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !("output" in output)) throw new Error(`no bundle of ${entry}`);
  return output.output[0].code;
}

/**
 * Serves a page that runs `code` as a module, opens it in a headless browser and hands it to `use`. With
 * `isolated` the page may share memory between its threads.
 */
export async function withPage<T>(
  code: string,
  options: {
    readonly isolated: boolean;
    /** Further files, by their path on the server (`/data.bin`). */
    readonly files?: Readonly<Record<string, Uint8Array>>;
  },
  use: (page: Page) => Promise<T>,
): Promise<T> {
  const isolation = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
  };
  const server = createServer((request, response) => {
    const file = options.files?.[request.url ?? ""];
    if (file !== undefined) {
      response.writeHead(200, { "Content-Type": "application/octet-stream" });
      response.end(file);
      return;
    }
    const isModule = request.url === "/bundle.js";
    response.writeHead(200, {
      "Content-Type": isModule ? "text/javascript" : "text/html",
      ...(options.isolated ? isolation : {}),
    });
    response.end(
      isModule
        ? code
        : `<!doctype html><meta charset="utf-8"><title>test</title><link rel="icon" href="data:,"><script type="module" src="/bundle.js"></script>`,
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const profile = mkdtempSync(join(tmpdir(), "striate-chromium-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: findBrowser()!,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const result = await use(page);
    if (problems.length > 0) throw new Error(`the page failed: ${problems.join("; ")}`);
    return result;
  } finally {
    await browser.close();
    server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
