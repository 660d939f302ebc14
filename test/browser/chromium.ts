import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type BrowserContext, chromium, type Page } from "playwright-core";

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

/** A headless browser with a profile of its own, to be closed and removed by the caller. */
async function launch(
  flags: readonly string[] = [],
): Promise<{ readonly browser: BrowserContext; readonly profile: string }> {
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
      ...flags,
    ],
  });
  return { browser, profile };
}

/**
 * Opens a file of the disk in a headless browser with a camera that shows a test picture, and hands the page to `use`.
 *
 * @throws where the page asked for anything beside the file itself, or failed.
 */
export async function withFile<T>(path: string, use: (page: Page) => Promise<T>): Promise<T> {
  const camera = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  const { browser, profile } = await launch(camera);
  try {
    const page = await browser.newPage();
    const url = pathToFileURL(path).href;
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    page.on("request", (request) => {
      const asked = request.url();
      if (asked !== url && !/^(data|blob):/.test(asked)) problems.push(`it loads ${asked}`);
    });
    await page.goto(url);
    const result = await use(page);
    if (problems.length > 0) throw new Error(`the page failed: ${problems.join("; ")}`);
    return result;
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
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
  const { browser, profile } = await launch();
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
