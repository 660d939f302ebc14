import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../core/errors.ts";
import { diskFolder } from "../formats/fileFolder.node.ts";
import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import { modelFiles } from "../formats/huggingface/modelFolder.ts";
import { writeFiles } from "../formats/writeFiles.node.ts";
import type { Model } from "./model.ts";
import { modelFromFiles, modelToFiles } from "./modelFolder.ts";

/**
 * Writes a model folder in the layout of the Hugging Face hub.
 *
 * @returns the SHA-256 of `model.safetensors`: the name of these very weights.
 */
export async function writeModel(folder: string, model: Model, card: ModelCard): Promise<string> {
  const files = modelToFiles(model, card);
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
    const there = await stat(path).catch(() => undefined);
    const found =
      there === undefined
        ? "there is no such folder"
        : there.isDirectory()
          ? `there is no ${modelFiles.config}`
          : "this is a file";
    throw new FormatError(
      `model "${path}": ${found}; expected a model folder, or a run folder with a model in it.`,
    );
  }
  return modelFromFiles(diskFolder(folder));
}
