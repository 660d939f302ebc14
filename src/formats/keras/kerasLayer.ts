import { UnsupportedError } from "../../core/errors.ts";
import type { LayerJson } from "../../layers/layerJson.ts";
import { activationJson, isSoftmax, reluJson } from "./activations.ts";
import { LayerConfig } from "./layerConfig.ts";
import type { PlacedLayer } from "./unfold.ts";

/** Where a layer stands in the net. */
export interface LayerSituation {
  /** Of each input, whether it is a vector (or else a map). */
  readonly flat: readonly boolean[];
  /** Whether its width is the number of classes. */
  readonly isHead: boolean;
  /** Whether nothing is computed behind it, so that a softmax is that of the scores. */
  readonly isEnd: boolean;
}

/** Layers of ours, one behind the other, and whether their result is a vector. */
interface Made {
  /** The one without suffix has the layer's own name, under which its weights are. */
  readonly steps: readonly { readonly suffix: string; readonly json: LayerJson }[];
  readonly isFlat: boolean;
}

interface Situation extends LayerSituation {
  /** Whether all inputs are vectors. */
  readonly isFlat: boolean;
  readonly numbers: readonly number[];
}

type Row = (layer: LayerConfig, situation: Situation) => Made;

const none = (isFlat: boolean): Made => ({ steps: [], isFlat });
const one = (json: LayerJson, isFlat = false): Made => ({ steps: [{ suffix: "", json }], isFlat });

/** What a layer of Keras is here. @throws UnsupportedError that names it, where it has no counterpart. */
export function kerasLayer(placed: PlacedLayer, situation: LayerSituation): Made {
  const row = Object.hasOwn(rows, placed.className) ? rows[placed.className]! : undefined;
  if (row === undefined) {
    throw new UnsupportedError(
      `${placed.where}: this layer has no counterpart here; name a net of the catalogue with --net instead, if it is one.`,
    );
  }
  const layer = new LayerConfig(placed.config, placed.where);
  const isFlat = situation.flat.every((flat) => flat);
  if (!isFlat) layer.expectChannelsLast();
  const made = row(layer, { ...situation, isFlat, numbers: placed.numbers });
  const { activation } = placed.config;
  if (activation === undefined || !withActivation.has(placed.className)) return made;
  return { ...made, steps: [...made.steps, ...activated(layer, activation, situation.isEnd)] };
}

/** Classes whose layers may end in a function of their own. */
const withActivation: ReadonlySet<string> = new Set([
  "Conv2D",
  "DepthwiseConv2D",
  "SeparableConv2D",
  "Conv2DTranspose",
  "Dense",
]);

function activated(layer: LayerConfig, value: unknown, isEnd: boolean): Made["steps"] {
  const json = activationOf(layer, value, isEnd);
  return json === undefined ? [] : [{ suffix: "activation", json }];
}

/** Nothing for the identity, and for the softmax of the scores. */
function activationOf(layer: LayerConfig, value: unknown, isEnd: boolean): LayerJson | undefined {
  if (isSoftmax(value)) {
    if (isEnd) return undefined;
    throw layer.unsupported("softmax in the middle of a net; it may end one");
  }
  const json = activationJson(value, layer);
  if (isEnd && json?.function === "sigmoid") {
    throw layer.unsupported(
      "a sigmoid at the end, one probability for each output; a classifier here ends in scores of which one class is chosen",
    );
  }
  return json;
}

/** Kernel, stride, padding and dilation, as all windows have them. */
function windows(layer: LayerConfig): Omit<LayerJson, "layer"> {
  const padding = layer.choice("padding", ["valid", "same"], "valid");
  return {
    kernel: layer.pair("kernel_size"),
    stride: layer.pair("strides", [1, 1]),
    padding: padding === "same" ? "sameUpper" : "valid",
    dilation: layer.pair("dilation_rate", [1, 1]),
    bias: layer.flag("use_bias", true),
    fit: "floor",
  };
}

function pooling(kind: "maxPool2d" | "avgPool2d"): Row {
  return (layer) => {
    const kernel = layer.pair("pool_size", [2, 2]);
    const padding = layer.choice("padding", ["valid", "same"], "valid");
    return one({
      layer: kind,
      kernel,
      stride: layer.pair("strides", kernel),
      padding: padding === "same" ? "sameUpper" : "valid",
      fit: "floor",
      ...(kind === "avgPool2d" ? { countIncludePad: false } : {}),
    });
  };
}

function globalPooling(kind: "globalAvgPool2d" | "globalMaxPool2d"): Row {
  return (layer) => {
    const keepDims = layer.flag("keepdims", false);
    return one({ layer: kind, keepDims }, !keepDims);
  };
}

const convolution: Row = (layer, { isHead }) =>
  one({
    layer: "conv2d",
    channels: isHead ? "$classes" : layer.integer("filters"),
    groups: layer.integer("groups", 1),
    ...windows(layer),
  });

const dense: Row = (layer, { isFlat, isHead }) => {
  const features = isHead ? "$classes" : layer.integer("units");
  const over = isFlat ? {} : { over: "channels" };
  return one({ layer: "linear", features, bias: layer.flag("use_bias", true), ...over }, isFlat);
};

/** Keras's `same` gives `in · stride`; what is cut off for that must be even here. */
const transposed: Row = (layer) => {
  const { padding: _, fit: __, ...rest } = windows(layer);
  const kernel = layer.pair("kernel_size");
  const stride = layer.pair("strides", [1, 1]);
  const dilation = layer.pair("dilation_rate", [1, 1]);
  if (layer.has("output_padding")) throw layer.unsupported("an output_padding");
  const isSame = layer.choice("padding", ["valid", "same"], "valid") === "same";
  const extent = kernel.map((size, i) => dilation[i]! * (size - 1) + 1 - stride[i]!);
  if (isSame && extent.some((surplus) => surplus > 0 && surplus % 2 === 1)) {
    throw layer.unsupported(
      `padding "same" that cuts ${extent.join(" and ")} pixels, not an even number`,
    );
  }
  return one({
    layer: "convTranspose2d",
    channels: layer.integer("filters"),
    ...rest,
    padding: extent.map((surplus) => (isSame ? Math.max(surplus, 0) / 2 : 0)),
    outputPadding: extent.map((surplus) => Math.max(-surplus, 0)),
  });
};

const batchNorm: Row = (layer, { isFlat }) => {
  layer.expectLastAxis("axis", isFlat);
  return one(
    {
      layer: isFlat ? "batchNorm1d" : "batchNorm2d",
      eps: layer.number("epsilon", 1e-3),
      momentum: 1 - layer.number("momentum", 0.99),
      affine: layer.flag("scale", true) || layer.flag("center", true),
    },
    isFlat,
  );
};

const layerNorm: Row = (layer, { isFlat }) => {
  layer.expectLastAxis("axis", isFlat);
  if (layer.flag("rms_scaling", false)) throw layer.unsupported("rms_scaling");
  const over = isFlat ? {} : { over: "channels" };
  const eps = layer.number("epsilon", 1e-3);
  return one({ layer: "layerNorm", eps, affine: affineOf(layer), ...over }, isFlat);
};

const groupNorm: Row = (layer, { isFlat }) => {
  layer.expectLastAxis("axis", isFlat);
  const groups = layer.integer("groups", 32);
  const eps = layer.number("epsilon", 1e-3);
  return one({ layer: "groupNorm", groups, eps, affine: affineOf(layer) }, isFlat);
};

/** Scale and shift of a norm that has both or neither. */
function affineOf(layer: LayerConfig): boolean {
  const [scale, center] = [layer.flag("scale", true), layer.flag("center", true)];
  if (scale !== center) throw layer.unsupported("one of scale and center without the other");
  return scale;
}

const activation: Row = (layer, { isFlat, isEnd }) => {
  const json = activationOf(layer, layer.value("activation"), isEnd);
  return json === undefined ? none(isFlat) : one(json, isFlat);
};

const softmax: Row = (layer, { isFlat, isEnd }) => {
  activationOf(layer, "softmax", isEnd);
  return none(isFlat);
};

const prelu: Row = (layer, { isFlat }) => {
  const shared = layer.value("shared_axes");
  if (!isFlat && !(Array.isArray(shared) && shared.join() === "1,2")) {
    throw layer.unsupported("a slope for each pixel; shared_axes [1, 2] has one for each channel");
  }
  return one({ layer: "prelu", perChannel: true }, isFlat);
};

/** Zeros round a map, or, with `sign` −1, the same cut off. */
function bordered(key: string, sign: 1 | -1): Row {
  return (layer) => {
    const [[top, bottom], [left, right]] = layer.sides(key);
    const padding = [top, left, bottom, right].map((side) => sign * side);
    return one({ layer: "zeroPad2d", padding });
  };
}

const flatten: Row = (_layer, { isFlat }) =>
  isFlat
    ? none(true)
    : {
        // Keras counts channels last.
        steps: [
          { suffix: "channels_last", json: { layer: "transpose", axes: [2, 3, 1] } },
          { suffix: "", json: { layer: "flatten" } },
        ],
        isFlat: true,
      };

const reshape: Row = (layer, { isFlat }) => {
  const shape = layer.sizes("target_shape");
  if (shape.length !== 1 && shape.length !== 3) {
    throw layer.unsupported(
      `target_shape [${shape.join(", ")}]; a vector or a map has 1 or 3 sizes`,
    );
  }
  const isVector = shape.length === 1;
  const before = { suffix: "channels_last", json: { layer: "transpose", axes: [2, 3, 1] } };
  const after = { suffix: "channels_first", json: { layer: "transpose", axes: [3, 1, 2] } };
  return {
    steps: [
      ...(isFlat ? [] : [before]),
      { suffix: "", json: { layer: "reshape", shape } },
      ...(isVector ? [] : [after]),
    ],
    isFlat: isVector,
  };
};

const permute: Row = (layer, { isFlat }) => {
  const [h, w, c] = layer.sizes("dims");
  if (isFlat || c === undefined) throw layer.unsupported("dims of anything but a map");
  // Axes 1, 2, 3 are rows, columns, channels there; channels, rows, columns here.
  const here = (axis: number) => (axis === 3 ? 1 : axis + 1);
  return one({ layer: "transpose", axes: [here(c), here(h!), here(w!)] });
};

const upsampling: Row = (layer) => {
  const mode = layer.choice("interpolation", ["nearest", "bilinear"], "nearest");
  return one({ layer: "upsample", factor: layer.pair("size", [2, 2]), mode });
};

/** Layers that are joined, or one with a number: `x + 3`, which Keras writes as an `Add`, too. */
function merging(json: LayerJson, withNumber?: (value: number) => LayerJson): Row {
  return (layer, { flat, isFlat, numbers }) => {
    const [value] = numbers;
    if (flat.length === 1 && numbers.length === 1 && withNumber !== undefined) {
      return one(withNumber(value!), isFlat);
    }
    if (flat.length < 2 || numbers.length > 0) {
      throw layer.unsupported("something else than layers, or a layer and a number, to join");
    }
    if (flat.some((one) => one !== flat[0])) throw layer.unsupported("vectors together with maps");
    return one(json, isFlat);
  };
}

const concatenate: Row = (layer, situation) => {
  layer.expectLastAxis("axis", situation.isFlat);
  return merging({ layer: "concat" })(layer, situation);
};

const average: Row = (layer, situation) => {
  const sum = merging({ layer: "sum" })(layer, situation);
  const scale = 1 / situation.flat.length;
  return {
    steps: [
      { suffix: "sum", json: sum.steps[0]!.json },
      { suffix: "", json: { layer: "rescale", scale } },
    ],
    isFlat: sum.isFlat,
  };
};

const rescaling: Row = (layer, { isFlat }) =>
  one(
    { layer: "rescale", scale: layer.numbers("scale"), offset: layer.numbers("offset", 0) },
    isFlat,
  );

/** `(x − mean)/max(√variance, 1e-7)`, of numbers in its config or of weights. */
const normalization: Row = (layer, { isFlat }) => {
  layer.expectLastAxis("axis", isFlat);
  if (layer.flag("invert", false)) throw layer.unsupported("the inverse");
  if (!layer.has("mean")) return one({ layer: "standardize" }, isFlat);
  const list = (key: string) => [layer.numbers(key)].flat();
  const scale = list("variance").map((variance) => 1 / Math.max(Math.sqrt(variance), 1e-7));
  const offset = list("mean").map((mean, i) => -mean * (scale[i] ?? scale[0]!));
  return one({ layer: "rescale", scale, offset }, isFlat);
};

const same: Row = (_layer, { isFlat }) => none(isFlat);

const rows: Readonly<Record<string, Row>> = {
  InputLayer: same,
  Conv2D: convolution,
  Conv2DTranspose: transposed,
  DepthwiseConv2D: (layer) => {
    const multiplier = layer.integer("depth_multiplier", 1);
    return one({ layer: "depthwiseConv2d", multiplier, ...windows(layer) });
  },
  SeparableConv2D: (layer) => {
    const multiplier = layer.integer("depth_multiplier", 1);
    const channels = layer.integer("filters");
    return one({ layer: "separableConv2d", channels, multiplier, ...windows(layer) });
  },
  Dense: dense,
  BatchNormalization: batchNorm,
  LayerNormalization: layerNorm,
  GroupNormalization: groupNorm,
  Activation: activation,
  ReLU: (layer, { isFlat }) => one(reluJson(layer), isFlat),
  LeakyReLU: (layer, { isFlat }) => {
    const negativeSlope = layer.number("negative_slope", layer.number("alpha", 0.3));
    return one({ layer: "activation", function: "leakyRelu", negativeSlope }, isFlat);
  },
  ELU: (layer, { isFlat }) =>
    one({ layer: "activation", function: "elu", alpha: layer.number("alpha", 1) }, isFlat),
  PReLU: prelu,
  Softmax: softmax,
  MaxPooling2D: pooling("maxPool2d"),
  AveragePooling2D: pooling("avgPool2d"),
  GlobalAveragePooling2D: globalPooling("globalAvgPool2d"),
  GlobalMaxPooling2D: globalPooling("globalMaxPool2d"),
  Dropout: (layer, { isFlat }) => one({ layer: "dropout", p: layer.number("rate", 0.5) }, isFlat),
  ZeroPadding2D: bordered("padding", 1),
  Cropping2D: bordered("cropping", -1),
  UpSampling2D: upsampling,
  Flatten: flatten,
  Reshape: reshape,
  Permute: permute,
  Add: merging({ layer: "sum" }, (offset) => ({ layer: "rescale", offset })),
  Multiply: merging({ layer: "multiply" }, (scale) => ({ layer: "rescale", scale })),
  Average: average,
  Concatenate: concatenate,
  // Of the ConvNeXt among Keras's own nets.
  LayerScale: (_layer, { isFlat }) => one({ layer: "layerScale" }, isFlat),
  Rescaling: rescaling,
  Normalization: normalization,
  // These act in training only.
  StochasticDepth: same,
  SpatialDropout2D: same,
  GaussianNoise: same,
  GaussianDropout: same,
  ActivityRegularization: same,
  RandomFlip: same,
  RandomRotation: same,
  RandomZoom: same,
  RandomTranslation: same,
  RandomContrast: same,
  RandomBrightness: same,
};
