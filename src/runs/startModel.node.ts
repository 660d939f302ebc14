import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, OptionError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { modelFiles } from "../formats/huggingface/modelFolder.ts";
import type { Tensors } from "../train/trainer.ts";
import { importModel } from "./importModel.node.ts";
import type { Model } from "./model.ts";
import { readModel } from "./trainedModel.node.ts";
import type { TrainOptions } from "./trainOptions.ts";
import { openWeightSource } from "./weightSource.node.ts";

/** A model that a training begins from. */
export interface StartModel {
  readonly model: Model;
  /** What the user called it. */
  readonly name: string;
  /** SHA-256 of the names and numbers of its weights. */
  readonly sha256: string;
}

/**
 * Opens weights to begin from: a model or run folder of ours, or anything that `import` takes, of the net that `--net`
 * and `--variant` name.
 *
 * @throws FormatError where foreign weights are not of that net.
 */
export async function openStart(
  path: string,
  { net, variant }: Pick<TrainOptions, "net" | "variant">,
  signal?: AbortSignal,
): Promise<StartModel> {
  const model = (await isOurs(path))
    ? await readModel(path)
    : await importStart(path, { net, variant }, signal);
  return { model, name: path, sha256: hashOf(model.weights) };
}

async function isOurs(path: string): Promise<boolean> {
  for (const folder of [path, join(path, "model")]) {
    const config = join(folder, modelFiles.config);
    if ((await stat(config).catch(() => undefined))?.isFile() !== true) continue;
    // A run folder has a config of its own beside its model.
    if (folder !== path) return true;
    const isModel = await stat(join(folder, modelFiles.weights)).catch(() => undefined);
    const card = await readModel(path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof FormatError) return false;
        throw error;
      },
    );
    if (isModel !== undefined && card) return true;
  }
  return false;
}

async function importStart(
  path: string,
  asked: Pick<TrainOptions, "net" | "variant">,
  signal: AbortSignal | undefined,
): Promise<Model> {
  const source = await openWeightSource(path, { signal });
  const { net, fit, model } = await importModel(source, asked);
  if (model !== undefined) return model;
  const { missing, misshapen } = fit;
  const [shape] = misshapen;
  const examples = [
    ...missing.slice(0, 3).map((name) => `"${name}" is missing`),
    ...(shape === undefined
      ? []
      : [
          `"${shape.name}" is ${formatShape(shape.given)} instead of ${formatShape(shape.expected)}`,
        ]),
  ];
  throw new FormatError(
    `weights "${path}": they are not of ${net.name} (${net.variant}): ${missing.length + misshapen.length} of its tensors have none there (${examples.join(", ")}). Name their own net with --net and --variant; "striate import" shows the whole table.`,
  );
}

function hashOf(weights: Tensors): string {
  const hash = createHash("sha256");
  for (const [name, { shape, data }] of [...weights].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${name}\0${shape.join()}\0`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest("hex");
}

/**
 * The start's tensors that a net has under the same name and shape, without those whose names begin with `without`.
 *
 * @throws OptionError where there are none.
 */
export function startWeights(
  start: StartModel,
  parameters: readonly { readonly name: string; readonly shape: readonly number[] }[],
  without?: string,
): Tensors {
  const weights = new Map(
    parameters.flatMap(({ name, shape }) => {
      if (without !== undefined && name.startsWith(without)) return [];
      const tensor = start.model.weights.get(name);
      return tensor?.shape.join() === shape.join() ? [[name, tensor] as const] : [];
    }),
  );
  if (weights.size === 0) {
    throw new OptionError(
      `weights "${start.name}": none of its ${start.model.weights.size} tensors has the name and shape of one of the net's ${parameters.length}; they are of ${start.model.net.name} (${start.model.net.variant}).`,
    );
  }
  return weights;
}
