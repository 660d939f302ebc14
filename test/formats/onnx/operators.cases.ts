import type { Shape } from "../../../src/core/shape.ts";
import type { ModelProto } from "../../../src/formats/onnx/proto/messages.generated.ts";
import type { WritableTensor } from "../../../src/formats/tensorFile.ts";
import { floats, integers, type MadeAttribute, makeModel } from "./makeModel.ts";

/** One node to be compared with ONNX Runtime. */
export interface OperatorCase {
  readonly op: string;
  /** Default 18. */
  readonly opset?: number;
  /** Float inputs that are fed, in front of the constants. */
  readonly inputs: readonly Shape[];
  /** Inputs that are known. `null` leaves one out. */
  readonly constants?: readonly (WritableTensor | null)[];
  readonly attributes?: Readonly<Record<string, MadeAttribute>>;
  /** Which output is compared, where it is not the first; integers are compared as floats. */
  readonly output?: number;
}

const image: Shape = [2, 4, 7, 6];
const line: Shape = [2, 4, 9];
const volume: Shape = [2, 4, 6, 5, 7];
const row = (op: string, inputs: readonly Shape[], more: Partial<OperatorCase> = {}) => ({
  op,
  inputs,
  ...more,
});
const all = (op: string, inputs: readonly Shape[], rows: readonly Partial<OperatorCase>[]) =>
  rows.map((more) => row(op, inputs, more));
const attributes = (given: Readonly<Record<string, MadeAttribute>>) => ({ attributes: given });

const wave = (count: number, shape: Shape = [count]): WritableTensor =>
  floats(
    Array.from({ length: count }, (_, i) => Math.sin(1 + i)),
    shape,
  );

/** Attributes and operator sets that the cases beside the checkout do not have all of. */
export const operatorCases: readonly OperatorCase[] = [
  ...all(
    "Conv",
    [image],
    [
      { constants: [wave(36, [2, 2, 3, 3]), wave(2)], opset: 11, attributes: { group: 2 } },
      { constants: [wave(24, [3, 4, 1, 2])], attributes: { strides: [2, 1], pads: [0, 1, 2, 0] } },
      {
        constants: [wave(36, [1, 4, 3, 3])],
        attributes: { auto_pad: "SAME_LOWER", strides: [2, 2] },
      },
      { constants: [wave(36, [1, 4, 3, 3])], attributes: { auto_pad: "VALID", dilations: [2, 1] } },
    ],
  ),
  ...all(
    "Conv",
    [line],
    [
      {
        constants: [wave(24, [2, 4, 3])],
        attributes: { strides: [2], pads: [1, 2], dilations: [2] },
      },
      { constants: [wave(12, [4, 1, 3])], attributes: { group: 4, auto_pad: "SAME_UPPER" } },
    ],
  ),
  ...all(
    "Conv",
    [volume],
    [
      { constants: [wave(96, [2, 4, 2, 3, 2]), wave(2)], attributes: { pads: [1, 0, 1, 0, 1, 1] } },
      {
        constants: [wave(48, [4, 1, 2, 3, 2])],
        attributes: { group: 4, strides: [2, 1, 3], dilations: [2, 1, 2] },
      },
    ],
  ),
  ...all(
    "ConvTranspose",
    [image],
    [
      { constants: [wave(72, [4, 2, 3, 3])], attributes: { strides: [2, 3], pads: [1, 0, 2, 1] } },
      { constants: [wave(72, [4, 2, 3, 3]), wave(4)], attributes: { group: 2, dilations: [2, 2] } },
      {
        constants: [wave(36, [4, 1, 3, 3])],
        attributes: { strides: [3, 2], output_padding: [2, 1], pads: [1, 1, 1, 1] },
      },
      {
        constants: [wave(36, [4, 1, 3, 3])],
        attributes: { strides: [2, 2], auto_pad: "SAME_LOWER" },
      },
      {
        constants: [wave(36, [4, 1, 3, 3])],
        attributes: { strides: [2, 2], output_shape: [14, 13] },
      },
    ],
  ),
  row("ConvTranspose", [line], { constants: [wave(24, [4, 2, 3])], attributes: { strides: [2] } }),
  row("ConvTranspose", [volume], {
    constants: [wave(48, [4, 1, 2, 3, 2])],
    attributes: { strides: [1, 2, 2], pads: [0, 1, 0, 1, 1, 0] },
  }),
  ...all(
    "MaxPool",
    [image],
    [
      attributes({ kernel_shape: [3, 2], strides: [2, 2], pads: [1, 0, 1, 1], ceil_mode: 1 }),
      attributes({ kernel_shape: [2, 3], dilations: [2, 2] }),
      { ...attributes({ kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }), output: 1 },
      { ...attributes({ kernel_shape: [2, 2], storage_order: 1 }), output: 1 },
      { ...attributes({ kernel_shape: [3, 3], auto_pad: "SAME_LOWER" }), opset: 8 },
    ],
  ),
  ...all("MaxPool", [line], [attributes({ kernel_shape: [3], strides: [2], ceil_mode: 1 })]),
  ...all("MaxPool", [volume], [attributes({ kernel_shape: [2, 3, 2], strides: [2, 1, 2] })]),
  ...all(
    "AveragePool",
    [image],
    [
      attributes({ kernel_shape: [3, 3], strides: [2, 2], pads: [1, 0, 0, 1] }),
      attributes({ kernel_shape: [3, 3], pads: [1, 1, 1, 1], count_include_pad: 1 }),
      attributes({ kernel_shape: [3, 2], strides: [2, 2], ceil_mode: 1 }),
      { ...attributes({ kernel_shape: [2, 2], dilations: [2, 3] }), opset: 19 },
      {
        ...attributes({
          kernel_shape: [3, 3],
          strides: [2, 2],
          dilations: [2, 1],
          pads: [1, 1, 1, 1],
          ceil_mode: 1,
          count_include_pad: 1,
        }),
        opset: 19,
      },
    ],
  ),
  ...all("AveragePool", [line], [attributes({ kernel_shape: [4], auto_pad: "SAME_UPPER" })]),
  ...all(
    "AveragePool",
    [volume],
    [attributes({ kernel_shape: [2, 3, 2], strides: [1, 2, 2], pads: [1, 1, 0, 0, 1, 1] })],
  ),
  ...all(
    "LpPool",
    [image],
    [
      attributes({ kernel_shape: [3, 2], strides: [2, 1], p: 1 }),
      attributes({ kernel_shape: [2, 2], pads: [1, 0, 1, 1], p: 3 }),
    ],
  ),
  ...["GlobalAveragePool", "GlobalMaxPool"].flatMap((op) => [row(op, [image]), row(op, [volume])]),
  row("GlobalLpPool", [image], attributes({ p: 3 })),
  row("MaxUnpool", [[1, 1, 2, 2]], {
    constants: [{ shape: [1, 1, 2, 2], data: Int32Array.of(5, 7, 13, 15), elementType: "int64" }],
    ...attributes({ kernel_shape: [2, 2], strides: [2, 2] }),
  }),
  ...all(
    "BatchNormalization",
    [image],
    [
      { constants: [wave(4), wave(4), wave(4), floats([1, 2, 0.5, 3])], opset: 9 },
      {
        constants: [wave(4), wave(4), wave(4), floats([1, 2, 0.5, 3])],
        opset: 15,
        attributes: { epsilon: { float: 0.01 } },
      },
    ],
  ),
  row("InstanceNormalization", [image], { constants: [wave(4), wave(4)] }),
  row("InstanceNormalization", [line], { constants: [wave(4), wave(4)], opset: 6 }),
  row("LRN", [image], attributes({ size: 3, alpha: { float: 0.1 }, beta: { float: 0.6 } })),
  row("LayerNormalization", [image], {
    constants: [wave(42, [7, 6])],
    ...attributes({ axis: 2, epsilon: { float: 0.1 } }),
  }),
  row("LpNormalization", [image], attributes({ axis: 1, p: 1 })),
  row("MeanVarianceNormalization", [image], { opset: 13 }),
  ...all(
    "Gemm",
    [[3, 5]],
    [
      { constants: [wave(20, [5, 4]), wave(3, [3, 1])], attributes: { beta: { float: 0.5 } } },
      { constants: [wave(20, [4, 5])], attributes: { transB: 1, alpha: { float: 2 } }, opset: 11 },
      { constants: [wave(12, [3, 4]), floats([2], [])], attributes: { transA: 1 } },
    ],
  ),
  ...["Softmax", "LogSoftmax", "Hardmax"].flatMap((op) => [
    row(op, [image], { opset: 11, ...attributes({ axis: 2 }) }),
    row(op, [image], { opset: 11 }),
    row(op, [image], { opset: 13 }),
    row(op, [image], { opset: 13, ...attributes({ axis: 1 }) }),
  ]),
  row("Clip", [image], { opset: 6, ...attributes({ min: { float: -0.5 } }) }),
  row("Clip", [image], { constants: [null, floats([0.5], [])] }),
  ...["Abs", "Ceil", "Cos", "Cosh", "Erf", "Exp", "Floor", "HardSwish", "IsNaN", "Mish"].map((op) =>
    row(op, [image]),
  ),
  ...["Neg", "Reciprocal", "Round", "Sign", "Sin", "Sinh", "Softplus", "Tan", "Tanh"].map((op) =>
    row(op, [image]),
  ),
  row("Gelu", [image], { opset: 20, ...attributes({ approximate: "tanh" }) }),
  row("Gelu", [image], { opset: 20 }),
  ...["Celu", "Elu", "HardSigmoid", "LeakyRelu", "Selu", "ThresholdedRelu"].map((op) =>
    row(op, [image], attributes({ alpha: { float: 0.3 } })),
  ),
  row("Shrink", [image], attributes({ bias: { float: 0.2 }, lambd: { float: 0.4 } })),
  row("PRelu", [image], { constants: [wave(4, [4, 1, 1])] }),
  row("Mod", [image], { constants: [floats([0.7], [])], ...attributes({ fmod: 1 }) }),
  row("Pow", [image], { constants: [floats([2], [])] }),
  row("Max", [image, image, [4, 1, 1]]),
  row("Mean", [image, image, [6]]),
  row(
    "Sum",
    Array.from({ length: 20 }, () => [2, 3]),
  ),
  ...["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"].map((op) =>
    row(op, [image, [7, 6]]),
  ),
  ...["ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin"].flatMap(
    (op) => [
      row(op, [image], { opset: 13, ...attributes({ axes: [1, -1], keepdims: 0 }) }),
      row(op, [image], { constants: [integers(2)] }),
      row(op, [image]),
    ],
  ),
  ...["ReduceProd", "ReduceSum", "ReduceSumSquare"].flatMap((op) => [
    row(op, [image], { constants: [integers(0, -2)], ...attributes({ keepdims: 0 }) }),
    row(op, [image], attributes({ noop_with_empty_axes: 1 })),
  ]),
  ...["ArgMax", "ArgMin"].flatMap((op) => [
    row(op, [image], attributes({ axis: 2, keepdims: 0 })),
    row(op, [image], attributes({ axis: -1, select_last_index: 1 })),
  ]),
  ...all(
    "Pad",
    [image],
    [
      { opset: 9, ...attributes({ pads: [0, 1, 0, 2, 0, 0, 1, -1], value: { float: 3 } }) },
      { constants: [integers(0, 0, 2, 1, 0, 0, 1, 3)], ...attributes({ mode: "reflect" }) },
      { constants: [integers(0, 1, -1, 1, 0, 0, 2, 3)], ...attributes({ mode: "edge" }) },
      { constants: [integers(1, -2, 0, 3), floats([7], []), integers(3, -2)] },
      { constants: [integers(0, 0, 2, 1, 0, 0, 1, 3)], opset: 19, ...attributes({ mode: "wrap" }) },
    ],
  ),
  ...all(
    "Slice",
    [image],
    [
      { opset: 9, ...attributes({ starts: [1, -4], ends: [100, -1], axes: [1, 2] }) },
      { constants: [integers(-1, 5), integers(-100, 0), integers(2, 3), integers(-2, -1)] },
      { constants: [integers(1), integers(2)] },
    ],
  ),
  ...all(
    "Split",
    [image],
    [
      { opset: 11, ...attributes({ axis: 1, split: [1, 3] }), output: 1 },
      { ...attributes({ axis: 2, num_outputs: 2 }), output: 1 },
      { constants: [integers(2, 2)], opset: 13, ...attributes({ axis: -3 }), output: 1 },
    ],
  ),
  row("Concat", [image, [2, 1, 7, 6]], attributes({ axis: -3 })),
  ...all(
    "Gather",
    [image],
    [
      { constants: [{ ...integers(0, -1, 2, 3), shape: [2, 2] }], ...attributes({ axis: 1 }) },
      { constants: [{ ...integers(3), shape: [] }], ...attributes({ axis: 2 }) },
    ],
  ),
  row("Transpose", [image], attributes({ perm: [2, 0, 3, 1] })),
  row("Reshape", [image], { constants: [integers(0, -1, 3)] }),
  row("Squeeze", [[1, 3, 1]], { opset: 11, ...attributes({ axes: [-1] }) }),
  row("Squeeze", [[1, 3, 1]]),
  row("Unsqueeze", [[3, 4]], { constants: [integers(0, -1, 2)] }),
  row("Flatten", [image], attributes({ axis: -2 })),
  row("Expand", [[4, 1, 6]], { constants: [integers(2, 4, 7, 1)] }),
  row("Tile", [[2, 1, 3]], { constants: [integers(2, 3, 1)] }),
  row("DepthToSpace", [image], attributes({ blocksize: 2, mode: "CRD" })),
  row("DepthToSpace", [image], { opset: 11, ...attributes({ blocksize: 2 }) }),
  row("SpaceToDepth", [[2, 3, 4, 6]], attributes({ blocksize: 2 })),
  row("CumSum", [image], { constants: [{ ...integers(2), shape: [] }] }),
  row("CumSum", [image], {
    constants: [{ ...integers(-1), shape: [] }],
    ...attributes({ exclusive: 1, reverse: 1 }),
  }),
  row("GatherElements", [[3, 4]], {
    constants: [{ ...integers(0, -1, 2, 1, 1, 0), shape: [2, 3] }],
  }),
  row("GatherElements", [[2, 3, 4]], {
    constants: [{ ...integers(3, 0, -2, 1, 1, 2, 0, 3, 1, 2, 0, 0), shape: [2, 3, 2] }],
    ...attributes({ axis: -1 }),
  }),
  row("TopK", [image], { constants: [integers(3)] }),
  row("TopK", [image], { constants: [integers(3)], output: 1 }),
  row("TopK", [image], {
    constants: [integers(2)],
    ...attributes({ axis: 1, largest: 0 }),
    output: 1,
  }),
  row("Trilu", [image]),
  row("Trilu", [image], {
    constants: [{ ...integers(-1), shape: [] }],
    ...attributes({ upper: 0 }),
  }),
  row("Upsample", [image], { opset: 7, ...attributes({ scales: { floats: [1, 1, 2, 1.5] } }) }),
  row("Upsample", [image], {
    opset: 9,
    constants: [floats([1, 1, 2, 3])],
    ...attributes({ mode: "linear" }),
  }),
  row("Resize", [image], { opset: 10, constants: [floats([1, 1, 2, 0.5])] }),
  ...["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"].flatMap((rule) =>
    ["nearest", "linear", "cubic"].map((mode) =>
      row("Resize", [image], {
        constants: [null, null, integers(2, 4, 11, 4)],
        ...attributes({ coordinate_transformation_mode: rule, mode }),
      }),
    ),
  ),
  ...["floor", "ceil", "round_prefer_ceil"].map((nearest) =>
    row("Resize", [image], {
      constants: [null, floats([1, 1, 1.7, 0.6])],
      ...attributes({ mode: "nearest", nearest_mode: nearest }),
    }),
  ),
  ...["linear", "cubic"].map((mode) =>
    row("Resize", [image], {
      constants: [null, null, integers(2, 4, 3, 4)],
      ...attributes({ mode, antialias: 1 }),
    }),
  ),
  row("Resize", [image], {
    opset: 13,
    constants: [null, floats([1, 1, 0.6, 1.3])],
    ...attributes({ mode: "cubic", cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 }),
  }),
];

/** A model of the case's node, whose result `y` is float. */
export function caseModel(row: OperatorCase): ModelProto {
  const { op, opset = 18, inputs, constants = [], attributes: given = {}, output = 0 } = row;
  const names = constants.map((tensor, i) => (tensor === null ? "" : `k${i}`));
  const known: Record<string, WritableTensor> = {};
  for (const [i, tensor] of constants.entries()) if (tensor !== null) known[names[i]!] = tensor;
  const count = Math.max(output + 1, ["Split", "TopK"].includes(op) ? 2 : 1);
  const outputs = Array.from({ length: count }, (_, i) => (i === output ? "r" : `r${i}`));
  return makeModel({
    opset,
    inputs: Object.fromEntries(inputs.map((shape, i) => [`x${i}`, shape])),
    constants: known,
    nodes: [
      { op, inputs: [...inputs.map((_, i) => `x${i}`), ...names], outputs, attributes: given },
      { op: "Cast", inputs: ["r"], outputs: ["y"], attributes: { to: 1 } },
    ],
    outputs: ["y"],
  });
}
