import { OptionError } from "../core/errors.ts";
import type { FilterName } from "../data/decode/resize.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import type { ImagePreprocessing } from "../formats/huggingface/preprocessing.ts";
import type { KerasDescription } from "../formats/keras/netFromKeras.ts";
import type { WeightFormat } from "../formats/openWeights.ts";
import type { Net } from "../models/index.ts";
import {
  caffePreprocessing,
  imagenetPreprocessing,
  kerasCaffePreprocessing,
  kerasPreprocessing,
  type PublishedPreprocessing,
  type PublishedWeights,
} from "../models/publishedWeights.ts";
import type { Normalization } from "../train/normalization.ts";

/** What the user says about the preprocessing; it wins over everything else. */
export interface PreprocessingFlags {
  /** `(pixel · scale − mean)/std`. */
  readonly mean?: readonly number[] | undefined;
  readonly std?: readonly number[] | undefined;
  readonly scale?: number | undefined;
  readonly channels?: "rgb" | "bgr" | undefined;
  /** Shorter side before the middle is cut. */
  readonly resize?: number | undefined;
  /** Side of what is cut: the size of the input. */
  readonly crop?: number | undefined;
  readonly fit?: "crop" | "stretch" | "pad" | undefined;
  readonly interpolation?: FilterName | undefined;
}

/** What a description by Caffe says. */
export interface StatedPreprocessing {
  readonly scale: number;
  /** Before scaling. */
  readonly mean: readonly number[] | undefined;
  readonly meanFile: string | undefined;
}

/** What preprocessing is decided from. */
export interface PreprocessingFacts {
  readonly flags: PreprocessingFlags;
  readonly stated: ImagePreprocessing | StatedPreprocessing | undefined;
  readonly published: PublishedWeights | undefined;
  readonly format: WeightFormat;
  /** The net as a file of Keras describes it. */
  readonly keras?: KerasDescription | undefined;
  /** Whether the net itself takes a mean image away. */
  readonly isMeanImage: boolean;
}

/** What is done to an image before an imported net sees it, and who says so. */
export interface ChosenPreprocessing {
  readonly geometry: Geometry;
  readonly normalization: Normalization;
  readonly from: string;
}

/**
 * Decides the preprocessing of imported weights: flags win over what the file states, that over what is known about
 * published weights, and that over what is usual for the format, which is said to be assumed.
 *
 * @throws OptionError where flags do not fit the net or each other.
 */
export function choosePreprocessing(net: Net, facts: PreprocessingFacts): ChosenPreprocessing {
  const { flags, isMeanImage } = facts;
  const [channels, height, width] = net.input;
  const { base, from } = usual(net, facts);
  const given = (["mean", "std", "scale", "channels", "resize", "fit", "interpolation"] as const)
    .filter((flag) => flags[flag] !== undefined)
    .map((flag) => `--${flag}`);
  const spread = (numbers: readonly number[]) =>
    numbers.length === 1 ? new Array<number>(channels).fill(numbers[0]!) : numbers;
  const neutral = isMeanImage ? [0] : undefined;
  const mean = spread(flags.mean ?? neutral ?? base.mean);
  const std = spread(flags.std ?? (isMeanImage ? [1] : base.std));
  for (const [name, numbers] of [
    ["mean", mean],
    ["std", std],
  ] as const) {
    if (numbers.length !== channels) {
      throw new OptionError(
        `--${name} ${numbers.join(",")}: ${numbers.length} numbers; the net takes ${channels} channels.`,
      );
    }
  }
  const { resize, fit } = flags;
  if (resize !== undefined && resize < height) {
    throw new OptionError(
      `--resize ${resize}: smaller than the ${height}x${width} that are cut; expected at least ${height}.`,
    );
  }
  const cropRatio = resize === undefined ? (base.cropRatio ?? 1) : height / resize;
  const geometry: Geometry = {
    width,
    height,
    channels: channels === 1 ? 1 : 3,
    fit: fit ?? base.fit ?? "crop",
    ...((fit ?? base.fit ?? "crop") === "crop" ? { cropRatio } : {}),
    filter: flags.interpolation ?? base.filter ?? "bilinear",
  };
  const normalization: Normalization = {
    mean,
    std,
    scale: flags.scale ?? (isMeanImage ? 1 : (base.scale ?? 1 / 255)),
    channelOrder: channels === 1 ? "rgb" : (flags.channels ?? base.channelOrder ?? "rgb"),
  };
  const changed = isMeanImage ? [...given, "--mean-image"] : given;
  return {
    geometry,
    normalization,
    from: changed.length === 0 ? from : `${changed.join(", ")}; otherwise ${from}`,
  };
}

/** Inputs below this are no photos with a margin. */
const smallest = 100;

type Base = Omit<PublishedPreprocessing, "filter"> & {
  readonly fit?: Geometry["fit"];
  readonly filter?: FilterName;
};

function usual(
  net: Net,
  { stated, published, format, keras }: PreprocessingFacts,
): { readonly base: Base; readonly from: string } {
  const [channels, height, width] = net.input;
  if (stated !== undefined && "width" in stated) return { base: stated, from: "the file" };
  if (stated !== undefined) {
    const { scale, mean = [0] } = stated;
    const base: Base = {
      mean: mean.map((value) => value * scale),
      std: [1],
      scale,
      channelOrder: "bgr",
    };
    return { base, from: "the net's description" };
  }
  if (published !== undefined) {
    return {
      base: published.preprocessing,
      from: `what is known of these weights (${published.origin})`,
    };
  }
  const assumed = (base: Base, whose: string) => ({
    // A margin is cut from photos; small images are needed whole.
    base: Math.min(height, width) < smallest ? { ...base, cropRatio: 1 } : base,
    from: `assumed, as is usual for ${whose}; say --mean, --std, --scale, --channels, --resize where it is otherwise`,
  });
  if (keras?.takesPixels === true) {
    return { base: { mean: [0], std: [1], scale: 1 }, from: "the net, which scales pixels itself" };
  }
  const known = knownToKeras(keras);
  if (known !== undefined) return known;
  if (channels !== 3) return assumed({ mean: [0], std: [1] }, "grey images: values from 0 to 1");
  if (keras !== undefined) {
    return assumed(
      { mean: [0], std: [1], cropRatio: 0.875 },
      "nets of one's own: values from 0 to 1",
    );
  }
  if (format === "caffe") return assumed(caffePreprocessing, "Caffe");
  if (format === "keras" || format === "tfjs") {
    return assumed(kerasPreprocessing, "Keras: values from −1 to 1");
  }
  return assumed(imagenetPreprocessing, "PyTorch: mean and deviation of ImageNet");
}

/** Names that Keras's own nets (`keras.applications`) have in their configs, with their preprocessing. */
const kerasNets: readonly (readonly [RegExp, PublishedPreprocessing])[] = [
  [/^(vgg(16|19)|resnet(50|101|152))$/, kerasCaffePreprocessing],
  [/^densenet(121|169|201)$/, imagenetPreprocessing],
  [/^(mobilenet(v2)?_|resnet\d+v2$|inception_|xception$|nasnet)/i, kerasPreprocessing],
];

function knownToKeras(
  keras: KerasDescription | undefined,
): { readonly base: Base; readonly from: string } | undefined {
  for (const name of keras?.models ?? []) {
    const [, base] = kerasNets.find(([pattern]) => pattern.test(name)) ?? [];
    if (base !== undefined) return { base, from: `what is known of Keras's ${name}` };
  }
  return undefined;
}
