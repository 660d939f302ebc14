import { FormatError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import { readAll } from "../byteSource.ts";
import { concatenate } from "../concatenate.ts";
import type { FileFolder } from "../fileFolder.ts";
import { readSafetensors } from "../safetensors/read.ts";
import { safetensorsChunks } from "../safetensors/write.ts";
import type { TensorFile, WritableTensors } from "../tensorFile.ts";
import { readTorch } from "../torch/read.ts";
import { encodeModelCard, type ModelCard, parseModelCard } from "./modelCard.ts";
import { encodeModelConfig, type ModelConfig, parseModelConfig } from "./modelConfig.ts";
import {
  encodePreprocessing,
  type ImagePreprocessing,
  parsePreprocessing,
} from "./preprocessing.ts";
import { readShards } from "./shards.ts";

/** A trained model in the layout of the Hugging Face hub. */
export interface ModelFolder {
  readonly config: ModelConfig;
  readonly preprocessing: ImagePreprocessing;
  readonly weights: TensorFile;
  readonly card: ModelCard | undefined;
}

/** What there is in any model folder of the hub; `config` is plain JSON. */
export interface ForeignFolder {
  readonly config: unknown;
  readonly preprocessing: ImagePreprocessing | undefined;
  readonly weights: TensorFile;
  readonly card: ModelCard | undefined;
}

/** The files of a model folder. */
export const modelFiles = {
  config: "config.json",
  preprocessing: "preprocessor_config.json",
  weights: "model.safetensors",
  shards: "model.safetensors.index.json",
  torchWeights: "pytorch_model.bin",
  card: "README.md",
} as const;

const maxTextBytes = 2 ** 24;

/** Opens a model folder of ours. Weights stay in their file until they are read. */
export async function readModelFolder(folder: FileFolder): Promise<ModelFolder> {
  const found = await readForeignFolder(folder);
  const config = parseModelConfig(found.config, `${folder.name}/${modelFiles.config}`);
  if (found.preprocessing === undefined) {
    throw new FormatError(
      `${folder.name}: no ${modelFiles.preprocessing}; without it nobody knows what the model was fed.`,
    );
  }
  return { ...found, config, preprocessing: found.preprocessing };
}

/**
 * Opens a model folder of any library: `model.safetensors`, in one file or in shards, or
 * `pytorch_model.bin`. Its config is left to `parseForeignConfig`.
 */
export async function readForeignFolder(folder: FileFolder): Promise<ForeignFolder> {
  const text = async (name: string) => {
    const file = await openIfThere(folder, name);
    return file === undefined ? undefined : readAll(file, maxTextBytes);
  };
  const config = await text(modelFiles.config);
  const preprocessing = await text(modelFiles.preprocessing);
  const card = await text(modelFiles.card);
  const at = (name: string) => `${folder.name}/${name}`;
  return {
    config: config === undefined ? undefined : parseBoundedJson(config, at(modelFiles.config)),
    preprocessing:
      preprocessing === undefined
        ? undefined
        : parsePreprocessing(
            parseBoundedJson(preprocessing, at(modelFiles.preprocessing)),
            at(modelFiles.preprocessing),
          ),
    weights: await readWeights(folder),
    card:
      card === undefined
        ? undefined
        : parseModelCard(new TextDecoder().decode(card), at(modelFiles.card)),
  };
}

/** The files of a model folder, by name. */
export function encodeModelFolder(model: {
  readonly config: ModelConfig;
  readonly preprocessing: ImagePreprocessing;
  readonly tensors: WritableTensors;
  readonly card: ModelCard;
}): Map<string, Uint8Array> {
  const json = (value: unknown) =>
    new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`);
  // PyTorch's loaders ask for this word before they trust the layout.
  const weights = concatenate([...safetensorsChunks(model.tensors, { format: "pt" })]);
  return new Map([
    [modelFiles.weights, weights],
    [modelFiles.config, json(encodeModelConfig(model.config))],
    [modelFiles.preprocessing, json(encodePreprocessing(model.preprocessing))],
    [modelFiles.card, new TextEncoder().encode(encodeModelCard(model.card))],
  ]);
}

async function readWeights(folder: FileFolder): Promise<TensorFile> {
  const whole = await openIfThere(folder, modelFiles.weights);
  if (whole !== undefined) return readSafetensors(whole);
  const index = await openIfThere(folder, modelFiles.shards);
  if (index !== undefined) return readShards(folder, index);
  const torch = await openIfThere(folder, modelFiles.torchWeights);
  if (torch !== undefined) return readTorch(torch);
  throw new FormatError(
    `${folder.name}: no weights; expected ${modelFiles.weights} or ${modelFiles.torchWeights}.`,
  );
}

async function openIfThere(folder: FileFolder, name: string) {
  return (await folder.has(name)) ? folder.open(name) : undefined;
}
