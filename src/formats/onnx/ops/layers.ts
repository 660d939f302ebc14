import { OptionError, UnsupportedError } from "../../../core/errors.ts";
import type { Value } from "../../../graph/builder.ts";
import { avgPool2d, globalAvgPool2d } from "../../../graph/ops/avgPool2d.ts";
import { add, divide, multiply, subtract } from "../../../graph/ops/binary.ts";
import { conv2d } from "../../../graph/ops/conv2d.ts";
import { matmul } from "../../../graph/ops/matmul.ts";
import { maxPool2d } from "../../../graph/ops/maxPool2d.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { sqrt } from "../../../graph/ops/unary.ts";
import type { Padding } from "../../../graph/window.ts";
import type { NodeContext } from "../nodeContext.ts";
import type { Importers } from "./operator.ts";

function pairOf(node: NodeContext, name: string): readonly [number, number] {
  const [y = 1, x = 1, ...more] = node.ints(name) ?? [];
  if (more.length > 0) throw new UnsupportedError(`${node.where}: only 2-D windows are imported.`);
  return [y, x];
}

function paddingOf(node: NodeContext): Padding {
  const mode = node.string("auto_pad", "NOTSET");
  if (mode === "SAME_UPPER") return "sameUpper";
  if (mode === "SAME_LOWER") return "sameLower";
  if (mode === "VALID") return "valid";
  if (mode !== "NOTSET") throw new OptionError(`${node.where}: auto_pad "${mode}" does not exist.`);
  const [top = 0, left = 0, bottom = 0, right = 0] = node.ints("pads") ?? [];
  return [top, left, bottom, right];
}

function windowOf(node: NodeContext) {
  return {
    stride: pairOf(node, "strides"),
    dilation: pairOf(node, "dilations"),
    padding: paddingOf(node),
  };
}

function poolOf(node: NodeContext) {
  const fit = node.int("ceil_mode", 0) === 1 ? ("ceil" as const) : ("floor" as const);
  return { ...windowOf(node), kernel: pairOf(node, "kernel_shape"), fit };
}

/** Convolutions, pools and the other operators with weights or windows, of two spatial dimensions. */
export const layers: Importers = {
  Conv(node) {
    const bias = node.has(2) ? { bias: node.input(2) } : {};
    const groups = node.int("group", 1);
    return conv2d(node.input(0), node.input(1), {
      ...windowOf(node),
      groups,
      fit: "floor",
      ...bias,
    });
  },
  MaxPool: (node) => maxPool2d(node.input(0), poolOf(node)),
  AveragePool: (node) =>
    avgPool2d(node.input(0), {
      ...poolOf(node),
      countIncludePad: node.int("count_include_pad", 0) === 1,
    }),
  GlobalAveragePool: (node) => globalAvgPool2d(node.input(0)),
  MatMul(node) {
    const [a, b] = [node.input(0), node.input(1)];
    // A vector is a row on the left and a column on the right; the axis added goes again.
    const left = a.shape.length === 1 ? reshape(a, [1, -1]) : a;
    const right = b.shape.length === 1 ? reshape(b, [-1, 1]) : b;
    const y = matmul(left, right);
    const rows = left === a ? y.shape.slice(0, -1) : y.shape.slice(0, -2);
    return reshape(y, right === b ? [...rows, y.shape.at(-1)!] : rows);
  },
  Gemm(node) {
    const product = matmul(node.input(0), node.input(1), {
      transposeA: node.int("transA", 0) !== 0,
      transposeB: node.int("transB", 0) !== 0,
    });
    const alpha = node.float("alpha", 1);
    const beta = node.float("beta", 1);
    const scaled = alpha === 1 ? product : multiply(product, alpha);
    if (!node.has(2)) return scaled;
    return add(scaled, beta === 1 ? node.input(2) : multiply(node.input(2), beta));
  },
  BatchNormalization(node) {
    if (node.int("training_mode", 0) !== 0) {
      throw new UnsupportedError(
        `${node.where}: training_mode 1 is not imported; export for inference.`,
      );
    }
    const x = node.input(0);
    const perChannel = (index: number): Value =>
      reshape(node.input(index), [-1, ...x.shape.slice(2).map(() => 1)]);
    const deviation = sqrt(add(perChannel(4), node.float("epsilon", 1e-5)));
    const scale = divide(perChannel(1), deviation);
    return add(multiply(subtract(x, perChannel(3)), scale), perChannel(2));
  },
};
