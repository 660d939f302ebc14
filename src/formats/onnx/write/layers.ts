import type { Conv2dAttributes, Conv2dGradientAttributes } from "../../../graph/ops/conv2d.ts";
import type { MatmulAttributes } from "../../../graph/ops/matmul.ts";
import type {
  BatchNormAttributes,
  GroupNormAttributes,
  LayerNormAttributes,
  LocalResponseNormAttributes,
} from "../../../graph/ops/normalization.ts";
import type { WrittenAttribute } from "./nodeList.ts";
import { type NodeWriter, reshapeTarget, swapAxes } from "./nodeWriter.ts";

type Written = Record<string, WrittenAttribute>;

function convolutionAttributes(attributes: Conv2dAttributes, kernel: readonly number[]): Written {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: attributes.stride },
    pads: { ints: attributes.padding },
    dilations: { ints: attributes.dilation },
    group: { int: attributes.groups },
  };
}

/** `Conv`, with the bias that is added to it. */
export const conv2d: NodeWriter<Conv2dAttributes> = ({
  attributes,
  inputs,
  types,
  list,
  path,
  bias,
}) => [
  list.add(
    "Conv",
    bias === undefined ? inputs : [...inputs, bias],
    path,
    convolutionAttributes(attributes, types[1]!.shape.slice(2)),
  ),
];

/** `ConvTranspose`: its weight has the same layout, since the result has the channels that the convolution reads. */
export const conv2dInputGradient: NodeWriter<Conv2dGradientAttributes> = (context) => {
  const { attributes, inputs, types, list, path, bias } = context;
  const { size, stride, padding, dilation } = attributes;
  const kernel = types[1]!.shape.slice(2);
  const extra = [0, 1].map((axis) => {
    const reach = (types[0]!.shape[axis + 2]! - 1) * stride[axis]!;
    const extent = dilation[axis]! * (kernel[axis]! - 1) + 1;
    return size[axis]! - (reach + extent - padding[axis]! - padding[axis + 2]!);
  });
  const written = {
    ...convolutionAttributes(attributes, kernel),
    output_padding: { ints: extra },
  };
  return [
    list.add("ConvTranspose", bias === undefined ? inputs : [...inputs, bias], path, written),
  ];
};

/** `Gemm` for matrices, `MatMul` for stacks of them. */
export const matmul: NodeWriter<MatmulAttributes> = ({
  attributes,
  inputs,
  types,
  list,
  path,
  bias,
}) => {
  const { transposeA, transposeB } = attributes;
  if (types[0]!.shape.length === 2) {
    const written = {
      transA: { int: Number(transposeA) },
      transB: { int: Number(transposeB) },
    };
    return [list.add("Gemm", bias === undefined ? inputs : [...inputs, bias], path, written)];
  }
  const operands = [transposeA, transposeB].map((transposed, i) =>
    transposed ? swapAxes(inputs[i]!, types[i]!.shape, [1, 2], list, path) : inputs[i]!,
  );
  return [list.add("MatMul", operands, path)];
};

/** `BatchNormalization` with the running statistics; a norm in training is decomposed before. */
export const batchNorm: NodeWriter<BatchNormAttributes> = ({
  attributes,
  inputs,
  types,
  list,
  path,
}) => {
  const [x, ...parameters] = inputs;
  const channels = types[0]!.shape[1]!;
  const scale = attributes.affine
    ? []
    : [1, 0].map((value) => list.tensor(new Float32Array(channels).fill(value), [channels], path));
  const written = { epsilon: { float: attributes.eps } };
  return [list.add("BatchNormalization", [x!, ...scale, ...parameters], path, written)];
};

/** `LayerNormalization`, which takes the last axes; others are moved there and back. */
export const layerNorm: NodeWriter<LayerNormAttributes> = ({
  attributes,
  inputs,
  types,
  list,
  path,
}) => {
  const { axes, eps, affine } = attributes;
  const { shape } = types[0]!;
  const order = [...shape.keys()].filter((axis) => !axes.includes(axis)).concat(axes);
  const moved = order.some((axis, i) => axis !== i);
  const transposed = (x: string, perm: readonly number[]) =>
    moved ? list.add("Transpose", [x], path, { perm: { ints: perm } }) : x;
  const sizes = axes.map((axis) => shape[axis]!);
  const count = sizes.reduce((product, size) => product * size, 1);
  const parameters = affine
    ? inputs.slice(1)
    : [list.tensor(new Float32Array(count).fill(1), sizes, path)];
  const y = list.add("LayerNormalization", [transposed(inputs[0]!, order), ...parameters], path, {
    axis: { int: shape.length - axes.length },
    epsilon: { float: eps },
  });
  return [
    transposed(
      y,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ];
};

/**
 * Groups as the channels of an `InstanceNormalization`: the `GroupNormalization` of operator set 18 has one scale for each
 * group, not for each channel.
 */
export const groupNorm: NodeWriter<GroupNormAttributes> = (context) => {
  const { attributes, inputs, types, outputs, list, path, where } = context;
  const { groups, eps, affine } = attributes;
  const { shape } = types[0]!;
  const grouped = list.add("Reshape", [inputs[0]!, list.integers([0, groups, -1])], path);
  const [ones, zeros] = [1, 0].map((value) =>
    list.tensor(new Float32Array(groups).fill(value), [groups], path),
  );
  const normalized = list.add("InstanceNormalization", [grouped, ones!, zeros!], path, {
    epsilon: { float: eps },
  });
  const target = list.integers(reshapeTarget(outputs[0]!, where));
  const y = list.add("Reshape", [normalized, target], path);
  if (!affine) return [y];
  const spread = list.integers([shape[1]!, ...shape.slice(2).map(() => 1)]);
  const [scale, shift] = inputs.slice(1).map((name) => list.add("Reshape", [name, spread], path));
  return [list.add("Add", [list.add("Mul", [y, scale!], path), shift!], path)];
};

/** `LRN`, whose alpha is divided by the size; even sizes lean to the other side there and are decomposed before. */
export const localResponseNorm: NodeWriter<LocalResponseNormAttributes> = (context) => {
  const { attributes, inputs, list, path } = context;
  const { size, alpha, beta, k } = attributes;
  const written = {
    size: { int: size },
    alpha: { float: alpha * size },
    beta: { float: beta },
    bias: { float: k },
  };
  return [list.add("LRN", inputs, path, written)];
};
