import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { FormatError } from "../core/errors.ts";
import { diskFolder } from "../formats/fileFolder.node.ts";
import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import {
  encodeModelFolder,
  modelFiles,
  readModelFolder,
} from "../formats/huggingface/modelFolder.ts";
import { readTensors } from "../formats/tensorFile.ts";
import { writeFiles } from "../formats/writeFiles.node.ts";
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

/**
 * Writes a model folder in the layout of the Hugging Face hub.
 *
 * @returns the SHA-256 of `model.safetensors`: the name of these very weights.
 */
export async function writeModel(folder: string, model: Model, card: ModelCard): Promise<string> {
  const { net, classes, geometry, normalization, loss, threshold, weights } = model;
  const { width, height, channels, fit = "crop", cropRatio = 1, filter = "bilinear" } = geometry;
  const { mean, std, scale = 1 / 255, channelOrder = "rgb" } = normalization;
  const files = encodeModelFolder({
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
  await writeFiles(folder, files);
  return createHash("sha256").update(files.get(modelFiles.weights)!).digest("hex");
}

/**
 * Opens a model folder, or the model of a run folder.
 *
 * @throws FormatError where the folder holds no model of ours.
 */
export async function readModel(path: string): Promise<Model> {
  const inRun = join(path, "model");
  const isRun = (await stat(join(inRun, modelFiles.config)).catch(() => undefined)) !== undefined;
  const folder = isRun ? inRun : path;
  if ((await stat(join(folder, modelFiles.config)).catch(() => undefined)) === undefined) {
    throw new FormatError(
      `model "${path}": there is no ${modelFiles.config}; expected a model folder, or a run folder with a model in it.`,
    );
  }
  const { config, preprocessing, weights } = await readModelFolder(diskFolder(folder));
  const extra = extraSchema.safeParse(config.extra);
  if (!extra.success) {
    const [issue] = extra.error.issues;
    throw new FormatError(
      `${folder}/${modelFiles.config}: ${issue?.path.join(".")}: ${issue?.message}`,
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
