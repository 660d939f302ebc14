/** Pictures of measurements as SVG: panels side by side, straight or logarithmic axes. */

import { ticks } from "../src/report/chart.ts";
import { escapeHtml } from "../src/report/html.ts";

/** A curve or a cloud of points. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  /** Points joined by a line; otherwise dots. */
  readonly line: boolean;
  readonly points: readonly (readonly [number, number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

export interface Axis {
  readonly label: string;
  readonly log: boolean;
  /** Range of a straight axis begins at 0; that of a logarithmic one at the data's, or here. */
  readonly from?: number;
}

const [width, height] = [400, 320];
const margin = { left: 62, right: 16, top: 40, bottom: 74 } as const;

/** Panels two by two, each with a legend below. */
export function panelPlot(panels: readonly Panel[]): string {
  const perRow = Math.min(2, panels.length);
  const parts = panels.map((panel, i) => {
    const corner = `${(i % perRow) * width} ${Math.floor(i / perRow) * height}`;
    return `<g transform="translate(${corner})">${drawPanel(panel)}</g>`;
  });
  const size = `${perRow * width} ${Math.ceil(panels.length / perRow) * height}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" font-family="system-ui, sans-serif" font-size="11"><rect width="100%" height="100%" fill="#fff"/>${parts.join("")}</svg>\n`;
}

function drawPanel({ title, x, y, series }: Panel): string {
  const all = series.flatMap(({ points }) => points);
  const right = width - margin.right;
  const bottom = height - margin.bottom;
  const across = scale(
    x,
    all.map(([value]) => value),
    margin.left,
    right,
  );
  const up = scale(
    y,
    all.map(([, value]) => value),
    bottom,
    margin.top,
  );
  const rows = up.marks.map((value) => {
    const at = up.at(value).toFixed(1);
    return `<line x1="${margin.left}" x2="${right}" y1="${at}" y2="${at}" stroke="#dde3eb"/><text x="${margin.left - 6}" y="${(up.at(value) + 4).toFixed(1)}" text-anchor="end" fill="#5b6578">${short(value, y.log)}</text>`;
  });
  const columns = across.marks.map(
    (value) =>
      `<text x="${across.at(value).toFixed(1)}" y="${bottom + 16}" text-anchor="middle" fill="#5b6578">${short(value, x.log)}</text>`,
  );
  const shapes = series.map(({ colour, line, points }) => {
    const places = points.map(([a, b]) => [across.at(a).toFixed(1), up.at(b).toFixed(1)] as const);
    if (!line) {
      return places
        .map(
          ([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="2.6" fill="${colour}" opacity="0.65"/>`,
        )
        .join("");
    }
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round" points="${places.map((place) => place.join(",")).join(" ")}"/>`;
  });
  const legend = series.map(
    ({ name, colour }, i) =>
      `<text x="${margin.left + (i % 3) * 108}" y="${bottom + 52 + Math.floor(i / 3) * 15}" fill="${colour}" font-weight="600">${escapeHtml(name)}</text>`,
  );
  return `<text x="${margin.left}" y="20" font-size="13" font-weight="600" fill="#1d2330">${escapeHtml(title)}</text><text x="${margin.left - 50}" y="${margin.top - 8}" fill="#5b6578">${escapeHtml(y.label)}</text><text x="${right}" y="${bottom + 33}" text-anchor="end" fill="#5b6578">${escapeHtml(x.label)}</text>${rows.join("")}${columns.join("")}${shapes.join("")}${legend.join("")}`;
}

/** Places along an axis, and the values that are marked on it. */
function scale(
  { log, from }: Axis,
  values: readonly number[],
  start: number,
  end: number,
): { readonly at: (value: number) => number; readonly marks: readonly number[] } {
  const highest = Math.max(...values);
  if (!log) {
    const limit = highest * 1.05;
    return {
      at: (value) => start + (value / limit) * (end - start),
      marks: ticks(0, limit, 5),
    };
  }
  const [low, high] = [Math.log2(from ?? Math.min(...values)), Math.log2(highest)];
  const span = Math.max(high - low, 1e-9);
  const first = Math.ceil(low - 1e-9);
  // Powers of two, thinned out to at most nine.
  const step = Math.ceil((Math.floor(high + 1e-9) - first + 1) / 9);
  const marks: number[] = [];
  for (let power = first; power <= high + 1e-9; power += step) marks.push(2 ** power);
  return {
    at: (value) => start + ((Math.log2(value) - low) / span) * (end - start),
    marks,
  };
}

/** Powers of two below 1 as fractions. */
function short(value: number, log: boolean): string {
  return value >= 1 || !log ? String(Number(value.toPrecision(4))) : `1/${Math.round(1 / value)}`;
}
