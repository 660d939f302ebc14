import { describeLayer, formatSize } from "./describeLayer.ts";
import type { NetSummary } from "./summary.ts";

/** Options of {@link summaryLines}. */
export interface SummaryTextOptions {
  /** Lines for layers without parameters that are computed in place (ReLU, dropout, flatten) too. Default false. */
  readonly all?: boolean;
}

/** A line of the table, cut into its columns. */
export interface SummaryLine {
  /** `[55x55x96]`. */
  readonly size: string;
  /** `CONV1: 96 11x11 filters at stride 4, pad 0`. */
  readonly text: string;
  readonly params: string;
  readonly macs: string;
  /** Of one image. */
  readonly memory: string;
  readonly receptiveField: string;
}

/** The literature's table: the image first, then the layers in the order of computation. */
export function summaryLines(
  summary: NetSummary,
  options: SummaryTextOptions = {},
): readonly SummaryLine[] {
  const [channels, height, width] = summary.input;
  const image: SummaryLine = {
    size: `[${height}x${width}x${channels}]`,
    text: "INPUT",
    params: "0",
    macs: "0",
    memory: formatBytes(4 * channels * height * width),
    receptiveField: "1",
  };
  const lines = summary.layers
    .filter(({ params, activationBytes }) => options.all === true || params + activationBytes > 0)
    .map((layer): SummaryLine => {
      const { title, text } = describeLayer(layer);
      return {
        size: `[${formatSize(layer.output)}]`,
        text: text === "" ? title : `${title}: ${text}`,
        params: layer.params.toLocaleString("en"),
        macs: layer.macs.toLocaleString("en"),
        memory: formatBytes(layer.activationBytes),
        receptiveField: `${layer.receptiveField}`,
      };
    });
  return [image, ...lines];
}

/** `1.1 MB`: three digits at most, powers of ten. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/**
 * The whole table as text in columns, and the sums.
 *
 * @example
 * summaryText(summarize(createNet("lenet5"))) // "[32x32x1]   INPUT …"
 */
export function summaryText(summary: NetSummary, options: SummaryTextOptions = {}): string {
  const header: SummaryLine = {
    size: "output",
    text: "layer",
    params: "parameters",
    macs: "multiply-adds",
    memory: "memory",
    receptiveField: "sees",
  };
  const lines = [header, ...summaryLines(summary, options)];
  const widthOf = (key: keyof SummaryLine) => Math.max(...lines.map((line) => line[key].length));
  const left: readonly (keyof SummaryLine)[] = ["size", "text"];
  const right: readonly (keyof SummaryLine)[] = ["params", "macs", "memory", "receptiveField"];
  const widths = new Map([...left, ...right].map((key) => [key, widthOf(key)]));
  const rows = lines.map((line) =>
    [
      ...left.map((key) => line[key].padEnd(widths.get(key)!)),
      ...right.map((key) => line[key].padStart(widths.get(key)!)),
    ]
      .join("  ")
      .trimEnd(),
  );
  const { params, weights, biases, macs, activationBytes, depth, auxiliaryParams } = summary;
  const number = (count: number) => count.toLocaleString("en");
  return [
    ...rows,
    "",
    `${number(params)} parameters (${number(weights)} weights, ${number(biases)} biases), ${depth} layers deep`,
    ...(auxiliaryParams === 0
      ? []
      : [`${number(auxiliaryParams)} more parameters in heads that serve training only`]),
    `${number(macs)} multiply-adds and ${formatBytes(activationBytes)} of activations for one image`,
  ].join("\n");
}
