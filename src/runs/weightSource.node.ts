import { readdir, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { DataError, FormatError } from "../core/errors.ts";
import { readCaffeNet } from "../formats/caffe/net.ts";
import { diskFolder } from "../formats/fileFolder.node.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { type DownloadOptions, downloadModel } from "../formats/huggingface/download.node.ts";
import { parseForeignConfig } from "../formats/huggingface/modelConfig.ts";
import { modelFiles, readForeignFolder } from "../formats/huggingface/modelFolder.ts";
import {
  type ImagePreprocessing,
  parseTimmPreprocessing,
} from "../formats/huggingface/preprocessing.ts";
import {
  type OpenedWeights,
  type OpenWeightsOptions,
  openWeights,
} from "../formats/openWeights.ts";
import { netNames } from "../models/index.ts";
import { cacheFolder } from "./cacheFolder.node.ts";

/** Weights of others, with what lies beside them. */
export interface WeightSource {
  /** What messages and the model card call it. */
  readonly name: string;
  readonly opened: OpenedWeights;
  /** Opens the weights again, with dense layers behind flattened maps in PyTorch's order. */
  reopen(flattened: NonNullable<OpenWeightsOptions["flattened"]>): Promise<OpenedWeights>;
  /** Of the classes, where a config says them. */
  readonly labels: readonly string[] | undefined;
  readonly classes: number | undefined;
  readonly preprocessing: ImagePreprocessing | undefined;
  /** A net of the catalogue that the config names. */
  readonly architecture: string | undefined;
  /** Id on the hub. */
  readonly hub: string | undefined;
  /** A description of the net that lies beside weights of Caffe. */
  readonly prototxt: string | undefined;
  /** Path of an ONNX file, which describes its net itself. */
  readonly onnx: string | undefined;
}

/** Where and how weights are found. */
export interface WeightSourceOptions {
  /** Address of a mirror of the hub. */
  readonly endpoint?: string | undefined;
  readonly revision?: string | undefined;
  readonly token?: string | undefined;
  /** Entry of a PyTorch checkpoint. */
  readonly key?: string | undefined;
  readonly onProgress?: DownloadOptions["onProgress"] | undefined;
  readonly signal?: AbortSignal | undefined;
}

const extensions: readonly string[] = [
  ".safetensors",
  ".pt",
  ".pth",
  ".th",
  ".bin",
  ".caffemodel",
  ".h5",
  ".keras",
  ".onnx",
  ".npz",
];
const hubId = /^[\w-][\w.-]*\/[\w.-]+$/;

/**
 * Opens weights by what the user said: a file of any format, a folder that holds one, a folder of the hub's layout, or
 * an id on the hub, which is fetched into the cache.
 *
 * @throws DataError where there is no such file and it is no id either.
 */
export async function openWeightSource(
  given: string,
  options: WeightSourceOptions = {},
): Promise<WeightSource> {
  const there = await stat(given).catch(() => undefined);
  if (there?.isFile()) return openWeightFile(given, options);
  if (there?.isDirectory()) return openFolder(given, undefined, options);
  if (!hubId.test(given) || extensions.includes(extname(given).toLowerCase())) {
    throw new DataError(
      `weights "${given}": there is no such file or folder; expected one, or an id on the hub like timm/resnet18.tv_in1k.`,
    );
  }
  const { endpoint, revision, token, onProgress, signal } = options;
  const folder = join(cacheFolder(), "hub", given.replace("/", "--"), revision ?? "main");
  await downloadModel({
    id: given,
    folder,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(revision === undefined ? {} : { revision }),
    ...(token === undefined ? {} : { token }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(signal === undefined ? {} : { signal }),
  });
  return openFolder(folder, given, options);
}

async function openWeightFile(path: string, { key }: WeightSourceOptions): Promise<WeightSource> {
  const folder = dirname(path);
  const open = async (flattened?: OpenWeightsOptions["flattened"]) =>
    openWeights(await openFile(path), {
      folder: diskFolder(folder),
      path: basename(path),
      key,
      ...(flattened === undefined ? {} : { flattened }),
    });
  if (extname(path).toLowerCase() === ".prototxt") {
    throw new DataError(
      `weights "${path}": this describes a net and has no weights; name the .caffemodel, and the net with --net ${path}.`,
    );
  }
  const opened = await open();
  return {
    name: basename(path),
    opened,
    reopen: open,
    labels: undefined,
    classes: undefined,
    preprocessing: undefined,
    architecture: undefined,
    hub: undefined,
    prototxt: opened.format === "caffe" ? await onlyPrototxt(folder) : undefined,
    onnx: opened.format === "onnx" ? path : undefined,
  };
}

/** The description of a net beside its weights: the only one, or the only one that is no training net. */
async function onlyPrototxt(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(".prototxt"));
  const found: string[] = [];
  for (const name of names) {
    const path = join(folder, name);
    // A solver lies there, too, and is no net.
    const net = await readCaffeNet(await openFile(path)).catch((error: unknown) => {
      if (error instanceof FormatError) return undefined;
      throw error;
    });
    if (net !== undefined && (names.length === 1 || net.inputs.length > 0)) found.push(path);
  }
  return found.length === 1 ? found[0] : undefined;
}

async function openFolder(
  folder: string,
  hub: string | undefined,
  options: WeightSourceOptions,
): Promise<WeightSource> {
  const names = (await readdir(folder)).sort();
  const isHubFolder =
    names.includes(modelFiles.config) &&
    names.some((name) =>
      [modelFiles.weights, modelFiles.shards, modelFiles.torchWeights].some((w) => w === name),
    );
  if (isHubFolder) return openHubFolder(folder, hub);
  // `.bin` may be anything: images, a mean.
  const weights = names.filter(
    (name) => extensions.includes(extname(name).toLowerCase()) && !/\.bin$/i.test(name),
  );
  const models = names.filter((name) => name.endsWith(".json") && /model/i.test(name));
  const candidates = weights.length > 0 ? weights : models;
  if (candidates.length !== 1) {
    const what = candidates.length === 0 ? "no file of weights" : candidates.join(", ");
    throw new DataError(
      `weights "${folder}": ${what} in this folder; name the file (${extensions.join(", ")}, or the model.json of tensorflow.js).`,
    );
  }
  return openWeightFile(join(folder, candidates[0]!), options);
}

async function openHubFolder(folder: string, hub: string | undefined): Promise<WeightSource> {
  const found = await readForeignFolder(diskFolder(folder, { followLinks: true }));
  const where = `${folder}/${modelFiles.config}`;
  const config = parseForeignConfig(found.config, where);
  const opened: OpenedWeights = { format: "safetensors", net: undefined, ...found.weights };
  const known = config.architecture !== undefined && netNames().includes(config.architecture);
  return {
    name: hub ?? basename(folder),
    opened,
    reopen: async () => opened,
    labels: config.labels,
    classes: config.classes,
    preprocessing:
      config.pretrained === undefined
        ? found.preprocessing
        : parseTimmPreprocessing(config.pretrained, where),
    architecture: known ? config.architecture : undefined,
    hub,
    prototxt: undefined,
    onnx: undefined,
  };
}
