import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { parseBoundedJson } from "../boundedJson.ts";
import { type ByteSource, readAll } from "../byteSource.ts";
import { checkedJson } from "../checkedJson.ts";
import type { FileFolder } from "../fileFolder.ts";
import { readSafetensors } from "../safetensors/read.ts";
import type { StoredTensor, TensorFile } from "../tensorFile.ts";

const indexForm = z.object({ weight_map: z.record(z.string(), z.string()) });
const maxShards = 1000;

/** Weights in several safetensors files, by the index that says which tensor is in which. */
export async function readShards(folder: FileFolder, index: ByteSource): Promise<TensorFile> {
  const json = parseBoundedJson(await readAll(index, 2 ** 24), index.name);
  const { weight_map: places } = checkedJson(indexForm, json, index.name, "an index of shards");
  const names = [...new Set(Object.values(places))];
  if (names.length > maxShards) {
    throw new FormatError(`${index.name}: ${names.length} shards; at most ${maxShards} are read.`);
  }
  const shards = new Map<string, TensorFile>();
  for (const name of names) shards.set(name, await readSafetensors(await folder.open(name)));
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shard] of Object.entries(places)) {
    const tensor = shards.get(shard)?.tensors.get(name);
    if (tensor === undefined) {
      throw new FormatError(`${index.name}: "${name}" should be in "${shard}", but is not.`);
    }
    tensors.set(name, tensor);
  }
  return { tensors, metadata: {} };
}
