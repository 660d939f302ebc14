import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "../formats/atomicWrite.node.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { readSafetensors } from "../formats/safetensors/read.ts";
import { safetensorsChunks } from "../formats/safetensors/write.ts";
import type { Layer } from "../layers/layer.ts";
import type { Backend } from "../plan/backend.ts";
import type { Codes } from "../train/codes.ts";
import type { Normalization } from "../train/normalization.ts";
import { Predictor } from "../train/predictor.ts";
import type { Tensors } from "../train/trainer.ts";
import { cacheFolder } from "./cacheFolder.node.ts";
import { evaluationBatches, fingerprint, type RunData } from "./runData.node.ts";
import type { RunListener } from "./runEvent.ts";

/** What makes codes: everything that their numbers depend on but the images. */
export interface CodeMaker {
  /** Ends in `[N, codes]`. */
  readonly body: Layer;
  readonly input: readonly [number, number, number];
  readonly codes: number;
  readonly normalization: Normalization;
  readonly weights: Tensors;
  /** SHA-256 of the weights, and the layer that was cut behind. */
  readonly sha256: string;
  readonly cut: string;
}

const codeBatch = 32;

/**
 * The code of every image of a set, in the set's order: computed once, and kept for later trainings on the same
 * images from the same weights.
 */
export async function codesOf(
  data: Pick<RunData, "prepared">,
  maker: CodeMaker,
  context: { readonly backend: Backend; readonly listener: RunListener },
): Promise<Codes> {
  const { prepared } = data;
  const path = join(cacheFolder(), "codes", `${await keyOf(data, maker)}.safetensors`);
  const kept = await readCodes(path);
  if (kept !== undefined) return kept;
  const { body, input, codes, normalization, weights } = maker;
  const count = prepared.set.items.length;
  const values = new Float32Array(count * codes);
  const indices = Array.from({ length: count }, (_, index) => index);
  const batches = evaluationBatches(prepared, indices, Math.min(codeBatch, count));
  const session = await context.backend.open();
  try {
    const predictor = new Predictor({
      net: body,
      input,
      classes: codes,
      normalization,
      weights,
      session,
    });
    let done = 0;
    for await (const { batch, scores } of predictor.evaluate(batches.epoch(0))) {
      values.set(scores, done * codes);
      done += batch.count;
      context.listener({ type: "progress", phase: "codes", done, total: count });
    }
  } finally {
    await session.close();
  }
  await mkdir(join(cacheFolder(), "codes"), { recursive: true });
  const tensor = { shape: [count, codes], data: values };
  await writeFileAtomic(path, safetensorsChunks(new Map([["codes", tensor]]), {}));
  return { width: codes, data: values };
}

async function readCodes(path: string): Promise<Codes | undefined> {
  const source = await openFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (source === undefined) return undefined;
  const tensor = (await readSafetensors(source)).tensors.get("codes")!;
  return { width: tensor.shape[1]!, data: (await tensor.read()) as Float32Array };
}

async function keyOf({ prepared }: Pick<RunData, "prepared">, maker: CodeMaker): Promise<string> {
  const { input, codes, normalization, sha256, cut } = maker;
  const facts = { input, codes, normalization, sha256, cut, geometry: prepared.geometry };
  const hash = createHash("sha256").update(JSON.stringify(facts)).update(fingerprint(prepared.set));
  // Images may change while their names stay.
  for (const [index, fact] of prepared.facts.entries()) {
    hash.update(fact?.sha256 ?? (await prepared.pixels(index)).data);
  }
  return hash.digest("hex");
}
