import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { checkedJson } from "../checkedJson.ts";

/**
 * What is done to an image before a model sees it: resize and cut, then
 * `(value · scale − mean) / std` per channel. A model that is fed otherwise than it was trained
 * still answers, only worse, so this travels with the weights.
 */
export interface ImagePreprocessing {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** `crop`: cover the size and cut the middle; `stretch`: ignore proportions; `pad`: show all, with bars. */
  readonly fit: "crop" | "stretch" | "pad";
  /** With `crop`: size that is cut ÷ size that is covered, in (0, 1]; 1 otherwise. */
  readonly cropRatio: number;
  readonly filter: ResampleFilter;
  /** Factor on values 0 … 255: 1/255 as a rule, 1 for nets of Caffe. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly channelOrder: "rgb" | "bgr";
}

/** Resampling filters by PIL's names, at PIL's numbers. */
const filters = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"] as const;
export type ResampleFilter = (typeof filters)[number];

const rectangle = z.object({ height: z.number(), width: z.number() });
const channelNumbers = z.array(z.number()).min(1).max(4);

/** What this project adds to a `preprocessor_config.json` to say without doubt what it means. */
const ownForm = z.object({
  fit: z.enum(["crop", "stretch", "pad"]),
  crop_size: rectangle,
  crop_pct: z.number().nullable(),
  resample: z.number(),
  rescale_factor: z.number(),
  image_mean: channelNumbers,
  image_std: channelNumbers,
  channel_order: z.enum(["rgb", "bgr"]),
});

const sizeForm = z.union([z.number(), rectangle, z.object({ shortest_edge: z.number() })]);

/** A `preprocessor_config.json` of an image processor of `transformers`. */
const transformersForm = z.object({
  image_processor_type: z.string().optional(),
  feature_extractor_type: z.string().optional(),
  size: sizeForm.optional(),
  resample: z.number().nullish(),
  crop_pct: z.number().nullish(),
  do_center_crop: z.boolean().nullish(),
  crop_size: sizeForm.nullish(),
  do_rescale: z.boolean().nullish(),
  rescale_factor: z.number().nullish(),
  do_normalize: z.boolean().nullish(),
  image_mean: channelNumbers.nullish(),
  image_std: channelNumbers.nullish(),
});

/** `pretrained_cfg` in the `config.json` of timm. */
const timmForm = z.object({
  input_size: z.tuple([z.number(), z.number(), z.number()]),
  interpolation: z.string().optional(),
  crop_pct: z.number().nullish(),
  crop_mode: z.string().nullish(),
  mean: channelNumbers,
  std: channelNumbers,
});

/** The content of `preprocessor_config.json`, in words that `transformers` reads too. */
export function encodePreprocessing(steps: ImagePreprocessing): Record<string, unknown> {
  const { width, height, cropRatio } = steps;
  const isCrop = steps.fit === "crop";
  const covered = Math.round(height / cropRatio);
  const coveredSize =
    width === height
      ? { shortest_edge: covered }
      : { height: covered, width: Math.round(width / cropRatio) };
  return {
    image_processor_type: "ViTImageProcessor",
    do_resize: true,
    size: isCrop ? coveredSize : { height, width },
    resample: filters.indexOf(steps.filter),
    do_center_crop: isCrop,
    crop_size: { height, width },
    crop_pct: isCrop ? cropRatio : null,
    do_rescale: true,
    rescale_factor: steps.scale,
    do_normalize: true,
    image_mean: steps.mean,
    image_std: steps.std,
    fit: steps.fit,
    channel_order: steps.channelOrder,
  };
}

/** Reads a `preprocessor_config.json`, of ours or of an image processor of `transformers`. */
export function parsePreprocessing(json: unknown, where: string): ImagePreprocessing {
  const isOwn = typeof json === "object" && json !== null && "fit" in json;
  return checkSteps(isOwn ? ownSteps(json, where) : transformersSteps(json, where), where);
}

/** Reads the preprocessing in a `config.json` of timm. */
export function parseTimmPreprocessing(json: unknown, where: string): ImagePreprocessing {
  const config = checkedJson(timmForm, json, where, "a pretrained_cfg of timm");
  const [channels, height, width] = config.input_size;
  const fits = { squash: "stretch", border: "pad" } as const;
  const fit =
    config.crop_mode === "squash" || config.crop_mode === "border"
      ? fits[config.crop_mode]
      : "crop";
  const steps: ImagePreprocessing = {
    width,
    height,
    channels: channels === 1 ? 1 : 3,
    fit,
    cropRatio: fit === "crop" ? (config.crop_pct ?? 0.875) : 1,
    filter: filters.find((name) => name === config.interpolation) ?? "bicubic",
    scale: 1 / 255,
    mean: config.mean,
    std: config.std,
    channelOrder: "rgb",
  };
  return checkSteps(steps, where);
}

function ownSteps(json: unknown, where: string): ImagePreprocessing {
  const config = checkedJson(ownForm, json, where, "a preprocessing of Striate");
  return {
    ...config.crop_size,
    channels: config.image_mean.length === 1 ? 1 : 3,
    fit: config.fit,
    cropRatio: config.crop_pct ?? 1,
    filter: filterAt(config.resample, where),
    scale: config.rescale_factor,
    mean: config.image_mean,
    std: config.image_std,
    channelOrder: config.channel_order,
  };
}

/**
 * The rules differ by class: processors of ConvNeXt cover `size / crop_pct` and cut `size`, except at
 * 384 and above, where they stretch; others cover `size` and cut `crop_size` if told to cut.
 */
function transformersSteps(json: unknown, where: string): ImagePreprocessing {
  const config = checkedJson(transformersForm, json, where, "an image processor");
  const kind = config.image_processor_type ?? config.feature_extractor_type ?? "";
  const covered = rectangleOf(config.size);
  const cut = rectangleOf(config.crop_size ?? undefined) ?? covered;
  if (covered === undefined || cut === undefined) {
    throw new FormatError(`${where}: no "size"; expected what images are resized to.`);
  }
  let fit: ImagePreprocessing["fit"] = config.do_center_crop === true ? "crop" : "stretch";
  let size = fit === "crop" ? cut : covered;
  let cropRatio = fit === "crop" ? cut.height / covered.height : 1;
  if (/^convnext/i.test(kind)) {
    size = covered;
    fit = covered.height < 384 ? "crop" : "stretch";
    cropRatio = fit === "crop" ? (config.crop_pct ?? 224 / 256) : 1;
  }
  const isNormalized = config.do_normalize !== false;
  return {
    ...size,
    channels: config.image_mean?.length === 1 ? 1 : 3,
    fit,
    cropRatio: Math.min(1, cropRatio),
    filter: filterAt(config.resample ?? 2, where),
    scale: config.do_rescale === false ? 1 : (config.rescale_factor ?? 1 / 255),
    mean: (isNormalized && config.image_mean) || [0, 0, 0],
    std: (isNormalized && config.image_std) || [1, 1, 1],
    channelOrder: "rgb",
  };
}

function rectangleOf(
  size: z.infer<typeof sizeForm> | undefined,
): z.infer<typeof rectangle> | undefined {
  if (size === undefined) return undefined;
  if (typeof size === "number") return { height: size, width: size };
  return "shortest_edge" in size ? rectangleOf(size.shortest_edge) : size;
}

function filterAt(number: number, where: string): ResampleFilter {
  const filter = filters[number];
  if (filter === undefined) {
    throw new FormatError(`${where}: resample ${number}; expected 0 to 5 (${filters.join(", ")}).`);
  }
  return filter;
}

function checkSteps(steps: ImagePreprocessing, where: string): ImagePreprocessing {
  const { width, height, channels, cropRatio, scale, mean, std } = steps;
  for (const side of [width, height]) {
    if (!Number.isInteger(side) || side < 1 || side > 4096) {
      throw new FormatError(
        `${where}: size ${width}x${height}; expected sides of 1 to 4096 pixels.`,
      );
    }
  }
  if (!(cropRatio > 0 && cropRatio <= 1) || !(scale > 0)) {
    throw new FormatError(
      `${where}: crop ratio ${cropRatio}, scale ${scale}; expected (0, 1] and more than 0.`,
    );
  }
  if (mean.length !== channels || std.length !== channels || !std.every((value) => value > 0)) {
    throw new FormatError(
      `${where}: mean ${mean.join(", ")}, std ${std.join(", ")}; expected ${channels} of each, std above 0.`,
    );
  }
  return steps;
}
