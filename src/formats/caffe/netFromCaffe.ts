import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { LayerJson } from "../../layers/layerJson.ts";
import type { NetJson } from "../../models/netFile.ts";
import { type CaffeLayer, type CaffeNet, layersOfPhase } from "./net.ts";
import { numbersOf, type TextMessage, textsOf } from "./textFormat.ts";

/** A net of Caffe in our own words. */
export interface CaffeDescription {
  readonly net: NetJson;
  /** What its data layer does to an image, as far as the file says. */
  readonly preprocessing: {
    readonly scale: number | undefined;
    /** One for each channel, before scaling. */
    readonly mean: readonly number[] | undefined;
    readonly cropSize: number | undefined;
    /** A mean image of its own that the file names. */
    readonly meanFile: string | undefined;
  };
}

/** Layers of a step: our layer, and what its result is. */
interface Step {
  readonly layer: LayerJson;
  /** Whether the result has lost its plane. */
  readonly isFlat: boolean;
}

/** Layers that feed, measure or end a net and compute nothing of it. */
const outside: readonly string[] = [
  "Data",
  "ImageData",
  "HDF5Data",
  "MemoryData",
  "DummyData",
  "Accuracy",
  "SoftmaxWithLoss",
  "HingeLoss",
  "Silence",
];

/**
 * Turns a `.prototxt` into a net of one's own, with Caffe's names of layers, so that the weights of its `.caffemodel`
 * fit by name. The phase is testing; a softmax at the end is left out, since a net ends in scores here; `$classes`
 * stands for the width of the last layer with weights.
 *
 * Windows follow Caffe: convolutions round down, poolings up, and average pooling divides by the window clipped to the
 * padded input.
 *
 * @param input `[C, H, W]`, where the file does not say
 * @throws UnsupportedError for a layer that has no counterpart here, by its name.
 */
export function netFromCaffe(
  net: CaffeNet,
  where: string,
  input?: readonly [number, number, number],
): CaffeDescription {
  const [, channels, height, width] = net.inputs[0]?.shape ?? [];
  const data = net.layers.find(({ settings }) => settings.has("transform_param"));
  const transform = data?.settings.get("transform_param") ?? new Map();
  const cropSize = numbersOf(transform, "crop_size")[0];
  const stated = [channels, height ?? cropSize, width ?? cropSize];
  const size = input ?? (stated.every((side) => side !== undefined) ? stated : undefined);
  if (size === undefined) {
    throw new FormatError(`${where}: it does not say how large its input is; give --input HxWxC.`);
  }
  const steps = new Map<string, object>();
  /** The step whose result a blob holds, and whether it is flat. */
  const blobs = new Map<string, { step: string; isFlat: boolean }>();
  const fed = net.inputs[0]?.name ?? data?.tops[0] ?? "data";
  blobs.set(fed, { step: "input", isFlat: false });
  const layers = layersOfPhase(net, "test").filter(({ type }) => !outside.includes(type));
  const lastWeights = layers.findLast(({ type }) => ["InnerProduct", "Convolution"].includes(type));
  let last = { step: "input", isFlat: false };
  let classes: number | undefined;
  for (const [position, layer] of layers.entries()) {
    const name = `${where}: layer "${layer.name}" (${layer.type})`;
    const sources = layer.bottoms.map((blob) => {
      const source = blobs.get(blob);
      if (source === undefined)
        throw new FormatError(`${name}: no layer before it makes "${blob}".`);
      return source;
    });
    const [first] = sources;
    if (first === undefined) throw new FormatError(`${name}: it takes nothing.`);
    const top = layer.tops[0] ?? layer.name;
    const isEnd = layers.slice(position + 1).every(({ type }) => type === "Softmax");
    const isScale = layer.type === "Scale" && isMergedScale(layers[position - 1], layer);
    if ((layer.type === "Softmax" && isEnd) || layer.type === "Split" || isScale) {
      for (const blob of layer.tops) blobs.set(blob, first);
      continue;
    }
    const isLast = layer === lastWeights;
    if (isLast) classes = numberOf(layer, "num_output");
    const next = layers[position + 1];
    const { layer: json, isFlat } = stepOf(layer, next, name, isLast, first.isFlat);
    let from = sources.map(({ step }) => step);
    if (layer.type === "InnerProduct" && !first.isFlat) {
      const flat = `${layer.name}_flatten`;
      steps.set(flat, { layer: { layer: "flatten" }, from });
      from = [flat];
    }
    steps.set(layer.name, { layer: json, from: from.length === 1 ? from[0] : from });
    last = { step: layer.name, isFlat };
    blobs.set(top, last);
  }
  if (!last.isFlat) {
    steps.set("flatten_scores", { layer: { layer: "flatten" }, from: last.step });
  }
  const mean = numbersOf(transform, "mean_value");
  return {
    net: {
      name: net.name === "" ? "caffe" : net.name,
      input: size as [number, number, number],
      ...(classes === undefined ? {} : { classes }),
      layers: { layer: "functional", steps: Object.fromEntries(steps) },
      paper: "a net of Caffe",
    },
    preprocessing: {
      scale: numbersOf(transform, "scale")[0],
      mean: mean.length === 0 ? undefined : mean,
      cropSize,
      meanFile: textsOf(transform, "mean_file")[0],
    },
  };
}

function stepOf(
  layer: CaffeLayer,
  next: CaffeLayer | undefined,
  where: string,
  isLast: boolean,
  isFlat: boolean,
): Step {
  const keep = (json: LayerJson): Step => ({ layer: json, isFlat });
  const flag = (field: string, otherwise: boolean) => flagOf(layer, field, otherwise);
  const number = (field: string) => numberOf(layer, field);
  switch (layer.type) {
    case "Convolution": {
      const dilation = number("dilation");
      const json = {
        layer: "conv2d",
        channels: isLast ? "$classes" : number("num_output"),
        kernel: pairOf(layer, "kernel") ?? 1,
        stride: pairOf(layer, "stride") ?? 1,
        padding: pairOf(layer, "pad") ?? 0,
        ...(dilation === undefined ? {} : { dilation }),
        groups: number("group") ?? 1,
        bias: flag("bias_term", true),
        fit: "floor",
      };
      return { layer: json, isFlat: false };
    }
    case "InnerProduct": {
      const features = isLast ? "$classes" : number("num_output");
      return { layer: { layer: "linear", features, bias: flag("bias_term", true) }, isFlat: true };
    }
    case "Pooling":
      return keep(pooling(layer, where));
    case "ReLU": {
      const slope = number("negative_slope") ?? 0;
      const leaky = { function: "leakyRelu", negativeSlope: slope };
      return keep({ layer: "activation", ...(slope === 0 ? { function: "relu" } : leaky) });
    }
    case "PReLU":
      return keep({ layer: "prelu", perChannel: !flag("channel_shared", false) });
    case "ELU":
      return keep({ layer: "activation", function: "elu", alpha: number("alpha") ?? 1 });
    case "Sigmoid":
      return keep({ layer: "activation", function: "sigmoid" });
    case "TanH":
      return keep({ layer: "activation", function: "tanh" });
    case "LRN": {
      const region = textsOf(settingsOf(layer), "norm_region")[0] ?? "ACROSS_CHANNELS";
      if (region !== "ACROSS_CHANNELS") {
        throw new UnsupportedError(`${where}: ${region}; only ACROSS_CHANNELS is supported.`);
      }
      return keep({
        layer: "localResponseNorm",
        form: "caffe",
        size: number("local_size") ?? 5,
        alpha: number("alpha") ?? 1,
        beta: number("beta") ?? 0.75,
        k: number("k") ?? 1,
      });
    }
    case "BatchNorm":
      return keep({
        layer: "batchNorm2d",
        eps: number("eps") ?? 1e-5,
        affine: next !== undefined && isMergedScale(layer, next),
      });
    case "Dropout":
      return keep({ layer: "dropout", p: number("dropout_ratio") ?? 0.5 });
    case "Flatten":
      return { layer: { layer: "flatten" }, isFlat: true };
    case "Concat":
      return keep({ layer: "concat" });
    case "Eltwise": {
      const operation = textsOf(settingsOf(layer), "operation")[0] ?? "SUM";
      if (operation !== "SUM" || numbersOf(settingsOf(layer), "coeff").some((c) => c !== 1)) {
        throw new UnsupportedError(`${where}: ${operation}; only plain sums are supported.`);
      }
      return keep({ layer: "sum" });
    }
    default:
      throw new UnsupportedError(
        `${where}: this layer has no counterpart here; name a net of the catalogue with --net instead, if it is one.`,
      );
  }
}

function pooling(layer: CaffeLayer, where: string): LayerJson {
  const kind = textsOf(settingsOf(layer), "pool")[0] ?? "MAX";
  if (kind !== "MAX" && kind !== "AVE") {
    throw new UnsupportedError(`${where}: ${kind} pooling; MAX and AVE are supported.`);
  }
  if (flagOf(layer, "global_pooling", false)) {
    return { layer: kind === "MAX" ? "globalMaxPool2d" : "globalAvgPool2d", keepDims: true };
  }
  const kernel = pairOf(layer, "kernel");
  if (kernel === undefined) throw new FormatError(`${where}: no kernel_size.`);
  return {
    layer: kind === "MAX" ? "maxPool2d" : "avgPool2d",
    kernel,
    stride: pairOf(layer, "stride") ?? 1,
    padding: pairOf(layer, "pad") ?? 0,
    fit: "ceil",
  };
}

/** A scale directly behind a batch norm is the norm's own. */
function isMergedScale(norm: CaffeLayer | undefined, scale: CaffeLayer): boolean {
  return (
    norm?.type === "BatchNorm" &&
    scale.type === "Scale" &&
    flagOf(scale, "bias_term", false) &&
    scale.bottoms.length === 1 &&
    scale.bottoms[0] === (norm.tops[0] ?? norm.name)
  );
}

function settingsOf(layer: CaffeLayer): TextMessage {
  return [...layer.settings].find(([name]) => name !== "transform_param")?.[1] ?? new Map();
}

function numberOf(layer: CaffeLayer, field: string): number | undefined {
  return numbersOf(settingsOf(layer), field)[0];
}

function flagOf(layer: CaffeLayer, field: string, otherwise: boolean): boolean {
  const value = settingsOf(layer).get(field)?.[0];
  return typeof value === "boolean" ? value : otherwise;
}

/** `kernel_size: 3`, twice for height and width, or `kernel_h` and `kernel_w`; alike for stride and pad. */
function pairOf(layer: CaffeLayer, what: "kernel" | "stride" | "pad"): number[] | undefined {
  const settings = settingsOf(layer);
  const [height] = numbersOf(settings, `${what}_h`);
  const [width] = numbersOf(settings, `${what}_w`);
  if (height !== undefined && width !== undefined) return [height, width];
  const both = numbersOf(settings, what === "kernel" ? "kernel_size" : what);
  if (both[0] === undefined) return undefined;
  return [both[0], both[1] ?? both[0]];
}
