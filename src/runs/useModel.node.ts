import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../core/errors.ts";
import { nodeCodecs } from "../data/decode/codecs.node.ts";
import { createDataSet, type DataSet, type SplitName } from "../data/manifest.ts";
import { openData } from "../data/openData.node.ts";
import { toInput } from "../data/prepare/geometry.ts";
import { prepareFile, sha256Hex } from "../data/prepare/prepareOne.ts";
import type { Backend } from "../plan/backend.ts";
import { likelihood } from "../train/likelihood.ts";
import { type Evaluation, evaluatePredictions, type Prediction } from "../train/predictions.ts";
import type { Predictor } from "../train/predictor.ts";
import { predictSet } from "../train/predictSet.ts";
import { type Model, openPredictor } from "./model.ts";
import { prepareData } from "./prepareData.node.ts";
import { evaluationBatches } from "./runData.node.ts";
import { splitOfRun } from "./splitOfRun.node.ts";
import type { RunContext } from "./trainRun.node.ts";

/** What a model said about a data set, and how right it was. */
export interface JudgedModel {
  readonly evaluation: Evaluation;
  readonly predictions: readonly Prediction[];
  /** The part of the data that was used. */
  readonly part: SplitName | "all";
  readonly bad: readonly { readonly file: string; readonly message: string }[];
  /** How many of the images the model was trained on, as far as its run tells; null where no run is known. */
  readonly trainedOn: number | null;
}

const evaluationBatch = 64;

/**
 * Judges a model on a data set. Where the data has parts, the test part is used, or else the validation part, unless
 * another is named. Parts of data without any are those of the model's run, if it was trained on this data.
 *
 * @param modelPath Where the model lies: beside it is the run that made it, if it is still there.
 *
 * @throws DataError where the data has a class that the model does not know, or no images in the part.
 */
export async function judgeModel(
  model: Model,
  modelPath: string,
  path: string,
  options: { readonly part?: SplitName | "all" | undefined; readonly onBad: "skip" | "stop" },
  context: RunContext,
): Promise<JudgedModel> {
  const { listener, backend, threads, signal } = context;
  const opened = withClasses(await openData(path), model.classes);
  const part = options.part ?? defaultPart(opened);
  const prepared = await prepareData(opened, model.geometry, {
    onBad: options.onBad,
    threads,
    onProgress: (done, total) => listener({ type: "progress", phase: "decode", done, total }),
    ...(signal === undefined ? {} : { signal }),
  });
  const own = await splitOfRun(modelPath, prepared.set);
  const hasParts = opened.items.some(({ split }) => split !== undefined);
  const indices =
    own !== undefined && !hasParts && part !== "all"
      ? own[part]
      : prepared.set.items.flatMap((item, index) =>
          part === "all" || item.split === part ? [index] : [],
        );
  if (indices.length === 0) {
    throw new DataError(
      `data "${opened.name}": it has no images in a ${part} part; choose another with --part.`,
    );
  }
  const session = await backend.open();
  try {
    const predictions = await predictSet(
      openPredictor(model, session),
      evaluationBatches(prepared, indices, evaluationBatch),
      prepared.set,
      (done, total) => listener({ type: "progress", phase: "validate", done, total }),
    );
    const trained = new Set(own?.train);
    return {
      evaluation: evaluatePredictions(predictions, model.classes),
      predictions,
      part,
      bad: prepared.bad,
      trainedOn: own === undefined ? null : indices.filter((index) => trained.has(index)).length,
    };
  } finally {
    await session.close();
  }
}

function defaultPart(set: DataSet): SplitName | "all" {
  for (const part of ["test", "val"] as const) {
    if (set.items.some(({ split }) => split === part)) return part;
  }
  return "all";
}

/** The same data with the model's class order; fewer classes are fine, others are not. */
function withClasses(set: DataSet, classes: readonly string[]): DataSet {
  const unknown = set.classes.filter((label) => !classes.includes(label));
  if (unknown.length > 0) {
    throw new DataError(
      `data "${set.name}": class ${unknown.map((label) => `"${label}"`).join(", ")} is not one of the model's: ${classes.join(", ")}.`,
    );
  }
  return createDataSet({
    name: set.name,
    format: set.format,
    classes,
    ignored: set.ignored,
    items: set.items.map(({ label, ...item }) => ({ ...item, label: set.classes[label]! })),
    ...(set.root === undefined ? {} : { root: set.root }),
  });
}

/** What a model says about one file, or why it says nothing. */
export interface FileAnswer {
  readonly file: string;
  /** Likeliest first. */
  readonly predictions: readonly { readonly label: string; readonly probability: number }[];
  /** Whether the model is so unsure that "none of these" is the better answer. */
  readonly unsure: boolean;
  readonly error: string | null;
}

/** Asks a model about image files, one after the other; a file that cannot be read is an answer, too. */
export async function askModel(
  model: Model,
  files: readonly string[],
  options: { readonly top: number; readonly backend: Backend; readonly signal?: AbortSignal },
): Promise<FileAnswer[]> {
  const session = await options.backend.open();
  try {
    const predictor = openPredictor(model, session);
    const codecs = nodeCodecs();
    const answers: FileAnswer[] = [];
    for (const file of files) {
      options.signal?.throwIfAborted();
      try {
        const bytes = await readFile(file);
        const { pixels } = await prepareFile(
          bytes,
          await sha256Hex(bytes),
          basename(file),
          codecs,
          {
            geometry: model.geometry,
          },
        );
        const images = toInput(pixels, model.geometry).data;
        answers.push(await ask(model, predictor, file, images, options.top));
      } catch (error) {
        if (!isAboutFile(error)) throw error;
        answers.push({ file, predictions: [], unsure: true, error: inWords(error) });
      }
    }
    return answers;
  } finally {
    await session.close();
  }
}

async function ask(
  model: Model,
  predictor: Predictor,
  file: string,
  images: Uint8Array,
  top: number,
): Promise<FileAnswer> {
  async function* one() {
    yield { images, count: 1 };
  }
  const { classes, threshold = 0 } = model;
  for await (const { scores } of predictor.evaluate(one())) {
    const { probabilities, predicted } = likelihood(scores, 0, classes.length, 0);
    const order = classes.map((_, index) => index);
    order.sort((a, b) => probabilities[b]! - probabilities[a]! || a - b);
    return {
      file,
      predictions: order.slice(0, top).map((index) => ({
        label: classes[index]!,
        probability: probabilities[index]!,
      })),
      unsure: probabilities[predicted]! < threshold,
      error: null,
    };
  }
  throw new DataError(`${file}: the model gave no answer.`);
}

const systemWords: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EISDIR: "this is a folder; name image files",
  EACCES: "no permission to read it",
  EPERM: "no permission to read it",
};

function inWords(error: Error): string {
  return systemWords[(error as NodeJS.ErrnoException).code ?? ""] ?? error.message;
}

function isAboutFile(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code;
  return (
    ["DataError", "FormatError", "UnsupportedError"].includes(error.name) ||
    (code !== undefined && Object.hasOwn(systemWords, code))
  );
}
