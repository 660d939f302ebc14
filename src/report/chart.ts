import { escapeHtml } from "./html.ts";

/** A curve: one value for each position, left out where there is none. */
export interface Series {
  readonly name: string;
  /** A class of the style sheet: `a` and `b` differ in colour and dash, so that they can be told apart without colour. */
  readonly style: "a" | "b";
  readonly points: readonly (readonly [number, number])[];
}

export interface ChartOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly format: (value: number) => string;
  /** Range of the vertical axis; that of the data if left out. */
  readonly range?: readonly [number, number];
  /** A vertical line. */
  readonly mark?: { readonly x: number; readonly label: string };
  /** Draw y = x, for calibration. */
  readonly diagonal?: boolean;
}

const width = 400;
const height = 250;
const margin = { left: 56, right: 14, top: 40, bottom: 42 } as const;

/** Round numbers that cut a range into about `count` parts. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / count;
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= raw)!;
  const result: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
    result.push(i * step);
  return result;
}

/** A line chart as SVG that scales with the page. */
export function lineChart(series: readonly Series[], options: ChartOptions): string {
  const all = series.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  if (all.length === 0) return "";
  const xs = all.map(([x]) => x);
  const ys = all.map(([, y]) => y);
  const [x0, x1] = [Math.min(...xs), Math.max(Math.max(...xs), Math.min(...xs) + 1e-9)];
  const [y0, y1] = options.range ?? paddedRange(Math.min(...ys), Math.max(...ys));
  const px = (x: number) =>
    margin.left + ((x - x0) / (x1 - x0)) * (width - margin.left - margin.right);
  const py = (y: number) =>
    height - margin.bottom - ((y - y0) / (y1 - y0)) * (height - margin.top - margin.bottom);
  const at = (x: number, y: number) => `${px(x).toFixed(1)},${py(y).toFixed(1)}`;
  const grid = ticks(y0, y1, 5).map(
    (y) =>
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${py(y).toFixed(1)}" y2="${py(y).toFixed(1)}"/><text class="tick" x="${margin.left - 7}" y="${(py(y) + 4).toFixed(1)}" text-anchor="end">${escapeHtml(options.format(y))}</text>`,
  );
  const whole = ticks(x0, x1, 6).filter((x) => options.diagonal === true || Number.isInteger(x));
  const below = whole.map(
    (x) =>
      `<text class="tick" x="${px(x).toFixed(1)}" y="${height - margin.bottom + 18}" text-anchor="middle">${options.diagonal === true ? options.format(x) : x}</text>`,
  );
  const lines = series.map(({ style, points }) => {
    const finite = points.filter(([, y]) => Number.isFinite(y));
    const dots =
      finite.length > 40
        ? ""
        : finite
            .map(
              ([x, y]) =>
                `<circle class="dot ${style}" cx="${px(x).toFixed(1)}" cy="${py(y).toFixed(1)}" r="2.6"/>`,
            )
            .join("");
    return `<polyline class="line ${style}" points="${finite.map(([x, y]) => at(x, y)).join(" ")}"/>${dots}`;
  });
  const { mark } = options;
  const marked =
    mark === undefined
      ? ""
      : `<line class="mark" x1="${px(mark.x).toFixed(1)}" x2="${px(mark.x).toFixed(1)}" y1="${margin.top}" y2="${height - margin.bottom}"/><text class="tick" x="${px(mark.x).toFixed(1)}" y="${margin.top - 5}" text-anchor="middle">${escapeHtml(mark.label)}</text>`;
  const diagonal =
    options.diagonal === true
      ? `<polyline class="mark" points="${at(Math.max(x0, y0), Math.max(x0, y0))} ${at(Math.min(x1, y1), Math.min(x1, y1))}"/>`
      : "";
  const legend =
    series.length < 2
      ? ""
      : `<figcaption>${series.map(({ name, style }) => `<span class="key ${style}">${escapeHtml(name)}</span>`).join("")}</figcaption>`;
  return `<figure><svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(options.title)}"><text class="title" x="${margin.left}" y="14">${escapeHtml(options.title)}</text>${grid.join("")}${below.join("")}<text class="tick" x="${width - margin.right}" y="${height - 4}" text-anchor="end">${escapeHtml(options.xLabel)}</text>${diagonal}${marked}${lines.join("")}</svg>${legend}</figure>`;
}

function paddedRange(low: number, high: number): [number, number] {
  const room = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}
