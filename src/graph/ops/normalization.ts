import { OptionError, ShapeError } from "../../core/errors.ts";
import { formatShape, type Shape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import { input, scalar as s } from "../expression.ts";
import type { CompositeOp } from "../op.ts";
import { axisMap } from "./axisMap.ts";
import { elementwise } from "./elementwise.ts";
import { moments } from "./moments.ts";
import { reshape } from "./reshape.ts";

/**
 * `(x − μ)/√(σ² + ε) · γ + β`, where every operand broadcasts to `x`. `γ/√(σ² + ε)` is one number for each
 * channel (or sample) and computed first, so that an element is rounded twice, not four times: errors of
 * normalisation are what adds up in a deep net.
 */
function normalize(
  x: Value,
  mean: Value,
  variance: Value,
  eps: number,
  scale?: Value,
  bias?: Value,
): Value {
  const spread = s.sqrt(s.add(input(0), eps));
  const factor =
    scale === undefined
      ? elementwise([variance], s.div(1, spread), "inverseStd")
      : elementwise([variance, scale], s.div(input(1), spread), "scale");
  const centred = s.sub(input(0), input(1));
  if (bias === undefined) {
    return elementwise([x, mean, factor], s.mul(centred, input(2)), "normalize");
  }
  const y = s.fma(centred, input(2), input(3));
  return elementwise([x, mean, factor, bias], y, "normalize");
}

function perChannel(x: Value, parameter: Value | undefined): Value | undefined {
  if (parameter === undefined) return undefined;
  return reshape(parameter, [1, parameter.shape[0]!, ...new Array(x.shape.length - 2).fill(1)]);
}

export type BatchNormAttributes = {
  readonly eps: number;
  /** Normalise by the batch's own statistics and return them; otherwise by those given. */
  readonly training: boolean;
  /** Whether scale γ and shift β follow the input. */
  readonly affine: boolean;
};

/**
 * Batch normalisation: per channel, `y = (x − μ)/√(σ² + ε) · γ + β`.
 *
 * Training: inputs `x [N, C, …]`, `γ [C]`, `β [C]`; `μ` and the biased `σ²` are the batch's, and are outputs too, `[C]`
 * each. Inference: `μ [C]` and `σ² [C]` follow as inputs. Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
 */
export const batchNormOp: CompositeOp<BatchNormAttributes> = {
  name: "batchNorm",
  kind: "composite",
  infer(inputs, { training, affine }, where) {
    const [x, ...parameters] = inputs;
    const channels = x!.shape[1];
    const expected = (affine ? 2 : 0) + (training ? 0 : 2);
    if (channels === undefined || parameters.length !== expected) {
      throw new ShapeError(
        `${where}: expected [N, C, …] and ${expected} vectors of C elements, got ${inputs.map((i) => formatShape(i.shape)).join(", ")}.`,
      );
    }
    for (const p of parameters) {
      if (p.shape.length !== 1 || p.shape[0] !== channels) {
        throw new ShapeError(
          `${where}: input ${formatShape(x!.shape)} has ${channels} channels, a parameter has shape ${formatShape(p.shape)}.`,
        );
      }
    }
    const y = { shape: x!.shape, dtype: "float32" as const };
    const statistic = { shape: [channels], dtype: "float32" as const };
    return training ? [y, statistic, statistic] : [y];
  },
  decompose(inputs, { eps, training, affine }) {
    const x = inputs[0]!;
    const scale = affine ? perChannel(x, inputs[1]) : undefined;
    const bias = affine ? perChannel(x, inputs[2]) : undefined;
    if (!training) {
      const [mean, variance] = inputs.slice(affine ? 3 : 1);
      return [normalize(x, perChannel(x, mean)!, perChannel(x, variance)!, eps, scale, bias)];
    }
    const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
    const { mean, variance } = moments(x, axes);
    const channels = [x.shape[1]!];
    return [
      normalize(x, mean, variance, eps, scale, bias),
      reshape(mean, channels),
      reshape(variance, channels),
    ];
  },
};

export type LayerNormAttributes = {
  readonly eps: number;
  /** Axes that are normalised together. */
  readonly axes: readonly number[];
  readonly affine: boolean;
};

/**
 * Layer normalisation: `y = (x − μ)/√(σ² + ε) · γ + β` with mean and biased variance of each sample over
 * `axes`: the last ones (Ba, Kiros & Hinton 2016), or the channels of each pixel (ConvNeXt). `γ` and `β` have the
 * sizes of those axes.
 */
export const layerNormOp: CompositeOp<LayerNormAttributes> = {
  name: "layerNorm",
  kind: "composite",
  infer(inputs, { axes, affine }, where) {
    const [x, ...parameters] = inputs;
    const shape = axes.map((axis) => x!.shape[axis]!);
    if (
      affine &&
      (parameters.length !== 2 || parameters.some((p) => p.shape.join() !== shape.join()))
    ) {
      throw new ShapeError(
        `${where}: scale and shift must be ${formatShape(shape)} for input ${formatShape(x!.shape)}, got ${parameters.map((p) => formatShape(p.shape)).join(", ")}.`,
      );
    }
    return [{ shape: x!.shape, dtype: "float32" }];
  },
  decompose([x, scale, bias], { eps, axes, affine }) {
    const { mean, variance } = moments(x!, axes);
    const spread: Shape = x!.shape.map((size, axis) => (axes.includes(axis) ? size : 1));
    if (!affine) return [normalize(x!, mean, variance, eps)];
    return [normalize(x!, mean, variance, eps, reshape(scale!, spread), reshape(bias!, spread))];
  },
};

export type GroupNormAttributes = {
  readonly eps: number;
  readonly groups: number;
  readonly affine: boolean;
};

/**
 * Group normalisation: the channels of a sample are cut into groups, each normalised with its own mean and
 * biased variance; then `γ [C]` and `β [C]` per channel. As many groups as channels is instance
 * normalisation (Ulyanov et al. 2016). Source: Wu & He 2018, equation 7.
 */
export const groupNormOp: CompositeOp<GroupNormAttributes> = {
  name: "groupNorm",
  kind: "composite",
  infer([x], { groups }, where) {
    const channels = x!.shape[1];
    if (channels === undefined || channels % groups !== 0) {
      throw new ShapeError(
        `${where}: the channels of ${formatShape(x!.shape)} do not divide into ${groups} groups.`,
      );
    }
    return [{ shape: x!.shape, dtype: "float32" }];
  },
  decompose([x, scale, bias], { eps, groups, affine }) {
    const [n, c, ...rest] = x!.shape as [number, number, ...number[]];
    const inner = (c / groups) * rest.reduce((a, b) => a * b, 1);
    const grouped = reshape(x!, [n, groups, inner]);
    const { mean, variance } = moments(grouped, [2]);
    const y = reshape(normalize(grouped, mean, variance, eps), x!.shape);
    if (!affine) return [y];
    const operands = [y, perChannel(x!, scale)!, perChannel(x!, bias)!];
    return [elementwise(operands, s.add(s.mul(input(0), input(1)), input(2)))];
  },
};

export type LocalResponseNormAttributes = {
  readonly size: number;
  /** Factor of the sum of squares: PyTorch's and Caffe's alpha already divided by `size`. */
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;
};

/**
 * Local response normalisation across channels: `y_c = x_c / (k + α Σ_j x_j²)^β`, `j` from `c − ⌊size/2⌋` to
 * `c + ⌊(size − 1)/2⌋` inside the channels. Source: Krizhevsky, Sutskever & Hinton 2012, section 3.3.
 */
export const localResponseNormOp: CompositeOp<LocalResponseNormAttributes> = {
  name: "localResponseNorm",
  kind: "composite",
  infer([x], { size }, where) {
    if (x!.shape.length < 2) {
      throw new ShapeError(`${where}: expected [N, C, …], got ${formatShape(x!.shape)}.`);
    }
    if (!Number.isInteger(size) || size < 1) {
      throw new OptionError(`${where}: size ${size}: expected an integer of at least 1.`);
    }
    return [{ shape: x!.shape, dtype: "float32" }];
  },
  decompose([x], { size, alpha, beta, k }) {
    const channels = x!.shape[1]!;
    const indices = Array.from({ length: channels }, (_, c) => {
      const first = Math.max(0, c - Math.floor(size / 2));
      const last = Math.min(channels - 1, c + Math.floor((size - 1) / 2));
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
    const squares = elementwise([x!], s.mul(input(0), input(0)));
    const sum = axisMap(squares, { axis: 1, indices });
    const scale = s.pow(s.add(k, s.mul(alpha, input(1))), -beta);
    return [elementwise([x!, sum], s.mul(input(0), scale))];
  },
};
