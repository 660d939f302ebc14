import { UnsupportedError } from "../../../core/errors.ts";
import type { TensorType } from "../../../graph/graph.ts";
import type { AvgPool2dAttributes } from "../../../graph/ops/avgPool2d.ts";
import type { MaxPool2dAttributes } from "../../../graph/ops/maxPool2d.ts";
import type { PoolWindow } from "../../../graph/poolWindows.ts";
import { type RegularWindows, regularWindows } from "../../regularWindows.ts";
import type { NodeList, WrittenAttribute } from "./nodeList.ts";
import type { NodeWriter } from "./nodeWriter.ts";

function bothAxes(
  { rows, columns }: MaxPool2dAttributes,
  x: TensorType,
  matchSize: boolean,
): [RegularWindows, RegularWindows] | undefined {
  const vertical = regularWindows(rows, x.shape[2]!, matchSize);
  const horizontal = regularWindows(columns, x.shape[3]!, matchSize);
  return vertical === undefined || horizontal === undefined ? undefined : [vertical, horizontal];
}

function poolAttributes(axes: readonly RegularWindows[]): Record<string, WrittenAttribute> {
  return {
    kernel_shape: { ints: axes.map(({ kernel }) => kernel) },
    strides: { ints: axes.map(({ stride }) => stride) },
    pads: { ints: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)] },
  };
}

function isGlobal({ rows, columns }: MaxPool2dAttributes, x: TensorType): boolean {
  return [rows, columns].every(
    (windows, axis) =>
      windows.length === 1 &&
      windows[0]!.count === x.shape[axis + 2] &&
      windows[0]!.size === windows[0]!.count,
  );
}

/** Whether `AveragePool` has these windows; others are decomposed before. */
export function isAveragePool(attributes: AvgPool2dAttributes, x: TensorType): boolean {
  return averageAxes(attributes, x) !== undefined;
}

function averageAxes(attributes: AvgPool2dAttributes, x: TensorType) {
  const { countIncludePad, divisor } = attributes;
  const axes = bothAxes(attributes, x, countIncludePad && divisor === 0);
  return axes?.some(({ dilation }) => dilation > 1) ? undefined : axes;
}

/** `GlobalAveragePool` or `AveragePool`; a divisor of one's own is a factor behind it. */
export const avgPool2d: NodeWriter<AvgPool2dAttributes> = (context) => {
  const { attributes, inputs, types, list, path, where } = context;
  const { countIncludePad, divisor } = attributes;
  if (divisor === 0 && isGlobal(attributes, types[0]!)) {
    return [list.add("GlobalAveragePool", inputs, path)];
  }
  const axes = averageAxes(attributes, types[0]!);
  if (axes === undefined) throw new UnsupportedError(`${where}: its windows are not regular.`);
  const y = list.add("AveragePool", inputs, path, {
    ...poolAttributes(axes),
    count_include_pad: { int: Number(countIncludePad || divisor !== 0) },
  });
  if (divisor === 0) return [y];
  const area = axes[0].kernel * axes[1].kernel;
  if (area === divisor) return [y];
  return [list.add("Mul", [y, list.number(area / divisor)], path)];
};

/** `MaxPool`, or the largest of each window by itself where windows differ in size. */
export const maxPool2d: NodeWriter<MaxPool2dAttributes> = (context) => {
  const { attributes, inputs, types, list, path } = context;
  if (isGlobal(attributes, types[0]!)) {
    return [list.add("GlobalMaxPool", inputs, path), undefined];
  }
  const axes = bothAxes(attributes, types[0]!, false);
  if (axes === undefined) {
    const rows = largestAlong(inputs[0]!, 2, attributes.rows, list, path);
    return [largestAlong(rows, 3, attributes.columns, list, path), undefined];
  }
  const y = list.add("MaxPool", inputs, path, {
    ...poolAttributes(axes),
    dilations: { ints: axes.map(({ dilation }) => dilation) },
  });
  return [y, undefined];
};

function largestAlong(
  x: string,
  axis: number,
  windows: readonly PoolWindow[],
  list: NodeList,
  path: string,
): string {
  const parts = windows.map(({ start, count, step }) => {
    const end = start + (count - 1) * step + 1;
    const bounds = [[start], [end], [axis], [step]].map((values) => list.integers(values));
    const part = list.add("Slice", [x, ...bounds], path);
    return list.add("ReduceMax", [part, list.integers([axis])], path, { keepdims: { int: 1 } });
  });
  return list.add("Concat", parts, path, { axis: { int: axis } });
}
