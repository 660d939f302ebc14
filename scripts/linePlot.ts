import { ticks } from "../src/report/chart.ts";

/** A curve over epochs; `dashed` tells apart what a colour does not. */
export interface PlotLine {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
  /** One value for each epoch, from the first on. */
  readonly values: readonly number[];
}

export interface LinePlotOptions {
  readonly title: string;
  /** A value as text: beside the axis and, more exactly, behind a curve's name. */
  readonly format: (value: number, exact: boolean) => string;
}

const [width, height, left, right, top, bottom] = [800, 420, 56, 190, 44, 44];

/** Curves over epochs as a picture, each with its name and last value at its end. */
export function linePlot(lines: readonly PlotLine[], options: LinePlotOptions): string {
  const epochs = Math.max(...lines.map(({ values }) => values.length));
  const highest = Math.max(...lines.flatMap(({ values }) => values));
  const x = (epoch: number) => left + ((epoch - 1) / (epochs - 1)) * (width - left - right);
  const y = (value: number) =>
    height - bottom - (value / (highest * 1.05)) * (height - top - bottom);
  // Names stand at the ends of their curves, pushed apart where those come close.
  const ends = [...lines].sort((a, b) => a.values.at(-1)! - b.values.at(-1)!);
  let lowest = height - bottom + 14;
  const labels = ends.map(({ name, colour, values }) => {
    const last = values.at(-1)!;
    lowest = Math.min(y(last) + 4, lowest - 15);
    return `<text x="${width - right + 10}" y="${lowest.toFixed(1)}" fill="${colour}" font-weight="600">${name} ${options.format(last, true)}</text>`;
  });
  const grid = ticks(0, highest, 5).map(
    (value) =>
      `<line x1="${left}" x2="${width - right}" y1="${y(value).toFixed(1)}" y2="${y(value).toFixed(1)}" stroke="#dde3eb"/><text x="${left - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end" fill="#5b6578">${options.format(value, false)}</text>`,
  );
  const below = ticks(1, epochs, 12).filter(Number.isInteger);
  const steps = [1, ...below.filter((epoch) => epoch > 1)].map(
    (epoch) =>
      `<text x="${x(epoch).toFixed(1)}" y="${height - bottom + 18}" text-anchor="middle" fill="#5b6578">${epoch}</text>`,
  );
  const curves = lines.map(({ colour, dashed = false, values }) => {
    const points = values.map((value, i) => `${x(i + 1).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline fill="none" stroke="${colour}" stroke-width="2.2" stroke-linejoin="round"${dashed ? ' stroke-dasharray="6 4"' : ""} points="${points.join(" ")}"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/><text x="${left}" y="22" font-size="15" font-weight="600" fill="#1d2330">${options.title}</text>${grid.join("")}${steps.join("")}<text x="${width - right}" y="${height - 8}" text-anchor="end" fill="#5b6578">epoch</text>${curves.join("")}${labels.join("")}</svg>\n`;
}
