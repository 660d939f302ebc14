import { join } from "node:path";
import { z } from "zod";
import { FormatError } from "../core/errors.ts";
import { writeFileAtomic } from "../formats/atomicWrite.node.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { readSafetensors } from "../formats/safetensors/read.ts";
import { safetensorsChunks } from "../formats/safetensors/write.ts";
import { readTensors } from "../formats/tensorFile.ts";
import type { Checkpoint } from "../train/checkpoint.ts";

const level = { loss: z.number(), accuracy: z.number() };

const stateSchema = z.object({
  part: z.number().int().min(1).exactOptional(),
  position: z.object({ epoch: z.number(), batch: z.number(), step: z.number() }),
  sums: z.object({
    loss: z.number(),
    correct: z.number(),
    images: z.number(),
    seconds: z.number(),
  }),
  history: z.array(
    z.object({
      epoch: z.number(),
      step: z.number(),
      lr: z.number(),
      train: z.object(level),
      val: z.object({ ...level, correct: z.number(), total: z.number() }).exactOptional(),
      seconds: z.number(),
      imagesPerSecond: z.number(),
    }),
  ),
});

/** Name of the one file of a checkpoint's folder: one file, so that one rename replaces all of it. */
export const checkpointFile = "checkpoint.safetensors";

/** Writes a checkpoint whole or not at all. */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  const { tensors, ...state } = checkpoint;
  const metadata = { format: "striate-checkpoint-1", state: JSON.stringify(state) };
  const path = join(folder, checkpointFile);
  await writeFileAtomic(path, safetensorsChunks(new Map(tensors), metadata));
}

/** @throws FormatError where the file is not a checkpoint; the system's error where it is not there. */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const path = join(folder, checkpointFile);
  const file = await readSafetensors(await openFile(path));
  if (file.metadata.format !== "striate-checkpoint-1") {
    throw new FormatError(`${path}: this is a safetensors file, but no checkpoint of a training.`);
  }
  const parsed = stateSchema.safeParse(JSON.parse(file.metadata.state ?? "null"));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FormatError(
      `${path}: its training state cannot be read: ${issue?.path.join(".")}: ${issue?.message}.`,
    );
  }
  return { ...parsed.data, tensors: await readTensors(file) };
}
