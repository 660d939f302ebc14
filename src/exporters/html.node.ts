import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Exporter } from "./exporter.ts";
import { toBase64 } from "./page/base64.ts";
import { pageModelOf } from "./page/encodePage.ts";
import { openPageModel, type PageModel } from "./page/pageModel.ts";
import { partOfPage, renderPage } from "./page/template.ts";

const main = "index.html";

/** One page with model, engine, decoders and camera, which works from a file and without a network. */
export const htmlExporter: Exporter = {
  title: "a page of one file",
  main,
  extension: ".html",
  async encode({ model, golden, version }) {
    const { json, weights } = pageModelOf(model, golden);
    const { resolve } = createRequire(import.meta.url);
    const decoder = async (file: string) => toBase64(await readFile(resolve(file)));
    const page = renderPage({
      model: json,
      weights,
      jpeg: await decoder("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
      webp: await decoder("@jsquash/webp/codec/dec/webp_dec.wasm"),
      code: await pageCode(),
      version,
    });
    return new Map([[main, new TextEncoder().encode(page)]]);
  },
  async ask(files, { golden, backend }) {
    const page = new TextDecoder().decode(files.get(main)!);
    const json = JSON.parse(partOfPage(page, "model")) as PageModel;
    const opened = await openPageModel(json, partOfPage(page, "weights"), backend);
    try {
      const size = golden.images.length / golden.count;
      const rows: number[] = [];
      for (let i = 0; i < golden.count; i++) {
        rows.push(...(await opened.predict(golden.images.subarray(i * size, (i + 1) * size))));
      }
      return {
        probabilities: Float32Array.from(rows),
        runtime: "the same engine in Node, with graph and weights read back from the page",
        foreign: false,
        notes: ['In a browser the button "Check this page" repeats the check.'],
      };
    } finally {
      await opened.close();
    }
  },
  instructions: (_, nameOf) =>
    `Open \`${nameOf(main)}\` in a browser, from a disk or from any server: drop or choose pictures, or use the camera. It loads nothing. "Check this page" runs the recorded images in that browser and compares.`,
};

/** The script of the page: built with the package, or, in a checkout, on demand. */
async function pageCode(): Promise<string> {
  if (!import.meta.url.endsWith(".ts")) {
    return readFile(new URL("./page/page.bundle.js", import.meta.url), "utf8");
  }
  const script = new URL("../../scripts/bundle.ts", import.meta.url);
  const { bundle } = (await import(script.href)) as { bundle(entry: string): Promise<string> };
  return bundle(fileURLToPath(new URL("./page/page.ts", import.meta.url)));
}
