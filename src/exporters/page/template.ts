import { formatBytes } from "../../models/summaryText.ts";
import { escapeHtml } from "../../report/html.ts";
import { type PageModel, pageParts } from "./pageModel.ts";
import { pageStyle } from "./style.ts";

/** What a page is made of. */
export interface PageContent {
  readonly model: PageModel;
  /** Base64, as are the decoders. */
  readonly weights: string;
  readonly jpeg: string;
  readonly webp: string;
  /** The engine and the page's own script, one module. */
  readonly code: string;
  /** Of Striate. */
  readonly version: string;
}

/** The whole page: one text that loads nothing. */
export function renderPage(content: PageContent): string {
  const { model, weights, jpeg, webp, code, version } = content;
  const { net, variant, classes, geometry, golden } = model;
  const title = `What is it? ${classes.slice(0, 4).join(", ")}${classes.length > 4 ? " …" : ""}`;
  const bytes = weights.length + jpeg.length + webp.length + code.length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="Striate ${escapeHtml(version)}">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="soft">Tells ${classes.length} classes apart, on this device: no picture leaves it, and no network is needed.</p>
</header>
<section class="drop" id="drop">
<p>Drop or paste pictures here</p>
<div class="buttons">
<label class="button first">Choose pictures<input type="file" id="files" accept="image/*" multiple></label>
<button id="camera" type="button">Use the camera</button>
</div>
</section>
<p class="soft" id="status" role="status">Starting the engine …</p>
<section class="cards" id="cards" aria-live="polite"></section>
<footer>
<div class="row"><button id="check" type="button" disabled>Check this page</button><span id="checked" class="soft" role="status">Runs ${golden.count} recorded images and compares.</span></div>
<details><summary>About this model</summary>
<p class="soft">Net ${escapeHtml(net)} (${escapeHtml(variant)}), pictures of ${geometry.height}x${geometry.width} in ${geometry.channels === 1 ? "grey" : "colour"}. Classes: ${escapeHtml(classes.join(", "))}.</p>
<p class="soft">This page is one file of about ${formatBytes(bytes)}: weights, decoders of pictures, and an engine that computes in WebAssembly. Files are decoded by the page itself, to the same pixels as on the command line; pictures from the camera come as the browser gives them.</p>
<p class="soft">The recorded images are ${escapeHtml(golden.origin)}. Made with Striate ${escapeHtml(version)}.</p>
<p class="soft" id="engine"></p>
</details>
</footer>
</main>
<script type="application/json" id="${pageParts.model}">${inScript(JSON.stringify(model))}</script>
<script type="text/plain" id="${pageParts.weights}">${weights}</script>
<script type="text/plain" id="${pageParts.jpeg}">${jpeg}</script>
<script type="text/plain" id="${pageParts.webp}">${webp}</script>
<script type="module">${code.replaceAll("</script", "<\\/script")}</script>
</body>
</html>
`;
}

/** JSON in which nothing can end a script element. */
function inScript(json: string): string {
  return json.replaceAll("<", "\\u003c");
}

/** What {@link renderPage} put into an element, from the page's text. */
export function partOfPage(page: string, part: keyof typeof pageParts): string {
  const start = `id="${pageParts[part]}">`;
  const from = page.indexOf(start) + start.length;
  return page.slice(from, page.indexOf("</script>", from));
}
