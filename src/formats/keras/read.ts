import { FormatError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import type { ByteSource } from "../byteSource.ts";
import { type Hdf5Group, readHdf5 } from "../hdf5/read.ts";
import type { StoredTensor, TensorFile } from "../tensorFile.ts";
import { openZip } from "../zip/read.ts";
import { type KerasNet, parseKerasConfig } from "./config.ts";
import { h5Weights } from "./h5Weights.ts";
import { variableWeights } from "./variableWeights.ts";

/** A Keras file: weights by `layer/variable`, and the model where the file has it. */
export interface KerasFile extends TensorFile {
  readonly net: KerasNet | undefined;
  /** The model's config as Keras wrote it, plain JSON. */
  readonly config: unknown;
}

/**
 * Opens a Keras file: `.h5` (whole models and weights, Keras 2 and 3), `.weights.h5` and `.keras` of
 * Keras 3. Weights are called `conv1/kernel`, `bn1/moving_mean` and have Keras's layouts ([R, S, C, K]
 * for a convolution); `torchWeights` gives them PyTorch's. Optimiser state is left out.
 *
 * @example
 * const file = await readKeras(bytesSource(bytes, "model.keras"));
 * file.net?.layers.map(({ name }) => name);
 */
export async function readKeras(source: ByteSource): Promise<KerasFile> {
  const start = await source.read(0, Math.min(2, source.sizeBytes));
  if (start[0] === 0x50 && start[1] === 0x4b) return readArchive(source);
  const root = await readHdf5(source);
  const config = attributeJson(root, "model_config", source.name);
  return fromHdf5(root, config, source.name);
}

/** A `.keras` file: a zip archive of `config.json`, `metadata.json` and `model.weights.h5`. */
async function readArchive(source: ByteSource): Promise<KerasFile> {
  const archive = await openZip(source);
  const configEntry = archive.entries.get("config.json");
  const weightsEntry = archive.entries.get("model.weights.h5");
  if (configEntry === undefined || weightsEntry === undefined) {
    throw new FormatError(
      `${source.name}: a zip archive without config.json and model.weights.h5; it is no .keras file.`,
    );
  }
  const config = parseBoundedJson(await archive.read(configEntry), `${source.name}: config.json`);
  const root = await readHdf5(await archive.open(weightsEntry));
  return fromHdf5(root, config, source.name);
}

function fromHdf5(root: Hdf5Group, config: unknown, where: string): KerasFile {
  const net = config === undefined ? undefined : parseKerasConfig(config, where);
  const weights = root.members.get("model_weights");
  const group = weights?.kind === "group" ? weights : root;
  const isOld = group.attributes.has("layer_names") || group.attributes.has("layer_names0");
  const tensors: Map<string, StoredTensor> = isOld
    ? h5Weights(group, net, where)
    : variableWeights(root, net, where);
  if (tensors.size === 0) {
    throw new FormatError(`${where}: no weights of Keras in it; expected layers with variables.`);
  }
  const metadata: [string, string][] = [];
  for (const name of ["keras_version", "backend"]) {
    const value = root.attributes.get(name)?.values[0];
    if (value !== undefined) metadata.push([name, String(value)]);
  }
  return { tensors, metadata: Object.fromEntries(metadata), net, config };
}

function attributeJson(root: Hdf5Group, name: string, file: string): unknown {
  const text = root.attributes.get(name)?.values[0];
  if (typeof text !== "string") return undefined;
  return parseBoundedJson(new TextEncoder().encode(text), `${file}: ${name}`);
}
