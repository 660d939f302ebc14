import { style } from "./style.ts";

/** Text for HTML and SVG: every value that comes from data passes through here. */
export function escapeHtml(text: string | number): string {
  return String(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

/** `98.06 %`, with as many digits as `total` images can support. */
export function percent(share: number, digits = 1): string {
  return `${(share * 100).toFixed(digits)} %`;
}

/** `1,234,567`. */
export function integer(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** `1.81 G`, `412 k`. */
export function compact(value: number): string {
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (value >= size) return `${(value / size).toPrecision(3)} ${unit}`;
  }
  return String(value);
}

/** `4 min 07 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours > 0
    ? `${hours} h ${String(minutes).padStart(2, "0")} min`
    : `${minutes} min ${rest} s`;
}

/** A titled part of the page. */
export function section(id: string, title: string, body: string): string {
  return `<section id="${id}"><h2>${escapeHtml(title)}</h2>${body}</section>`;
}

/** A table whose cells are HTML already; `numeric` columns are aligned right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  numeric: readonly number[] = [],
): string {
  const cell = (tag: "th" | "td", text: string, column: number) =>
    `<${tag}${numeric.includes(column) ? ' class="n"' : ""}>${text}</${tag}>`;
  const line = (tag: "th" | "td", cells: readonly string[]) =>
    `<tr>${cells.map((text, column) => cell(tag, text, column)).join("")}</tr>`;
  return `<div class="scroll"><table><thead>${line("th", head)}</thead><tbody>${rows
    .map((cells) => line("td", cells))
    .join("")}</tbody></table></div>`;
}

/**
 * A whole page that needs nothing else: no network, no other file. A policy in its head forbids it to load anything.
 *
 * @param script Program of the page, if it has one.
 */
export function page(title: string, body: string, script = ""): string {
  const policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${policy}"><title>${escapeHtml(title)}</title><style>${style}</style></head>
<body><main>${body}</main>${script === "" ? "" : `<script>${script}</script>`}</body></html>
`;
}
