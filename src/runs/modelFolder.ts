import { z } from "zod";
import { FormatError } from "../core/errors.ts";
import type { FileFolder } from "../formats/fileFolder.ts";
import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import {
  encodeModelFolder,
  modelFiles,
  readModelFolder,
} from "../formats/huggingface/modelFolder.ts";
import { readTensors } from "../formats/tensorFile.ts";
import { type ClassifierLoss, classifierLosses } from "../train/recipe.ts";
import type { Model } from "./model.ts";
import { describedNet, descriptionOf } from "./ownNet.ts";

const lossNames = Object.keys(classifierLosses) as [ClassifierLoss, ...ClassifierLoss[]];

const extraSchema = z.object({
  loss: z.enum(lossNames).default("crossEntropy"),
  threshold: z.number().optional(),
  background: z.tuple([z.number(), z.number(), z.number()]).optional(),
  description: z.unknown().optional(),
});

/** The files of a model folder in the layout of the Hugging Face hub, by name. */
export function modelToFiles(model: Model, card: ModelCard): Map<string, Uint8Array> {
  const { net, classes, geometry, normalization, loss, threshold, weights } = model;
  const { width, height, channels, fit = "crop", cropRatio = 1, filter = "bilinear" } = geometry;
  const { mean, std, scale = 1 / 255, channelOrder = "rgb" } = normalization;
  return encodeModelFolder({
    config: {
      net: net.name,
      variant: net.variant,
      input: net.input,
      labels: classes,
      extra: {
        loss,
        ...(threshold === undefined ? {} : { threshold }),
        ...(geometry.background === undefined ? {} : { background: geometry.background }),
        ...descriptionOf(net),
      },
    },
    preprocessing: {
      width,
      height,
      channels,
      fit,
      cropRatio,
      filter,
      scale,
      mean,
      std,
      channelOrder,
    },
    tensors: new Map(weights),
    card,
  });
}

/** Reads the files of a model folder of ours. */
export async function modelFromFiles(folder: FileFolder): Promise<Model> {
  const { config, preprocessing, weights } = await readModelFolder(folder);
  const extra = extraSchema.safeParse(config.extra);
  if (!extra.success) {
    const [issue] = extra.error.issues;
    throw new FormatError(
      `${folder.name}/${modelFiles.config}: ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }
  const { loss, threshold, background, description } = extra.data;
  const { width, height, channels, fit, cropRatio, filter } = preprocessing;
  const { scale, mean, std, channelOrder } = preprocessing;
  return {
    net: describedNet(
      { name: config.net, variant: config.variant, input: config.input, description },
      config.labels.length,
    ),
    classes: config.labels,
    geometry: {
      width,
      height,
      channels,
      fit,
      filter,
      ...(fit === "crop" ? { cropRatio } : {}),
      ...(background === undefined ? {} : { background }),
    },
    normalization: { mean, std, scale, channelOrder },
    loss,
    threshold,
    weights: await readTensors(weights),
  };
}
