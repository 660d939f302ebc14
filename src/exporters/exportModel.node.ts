import { stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { DataError, FormatError } from "../core/errors.ts";
import { readAll } from "../formats/byteSource.ts";
import { diskFolder } from "../formats/fileFolder.node.ts";
import { parseModelCard } from "../formats/huggingface/modelCard.ts";
import { modelFiles } from "../formats/huggingface/modelFolder.ts";
import { writeFiles } from "../formats/writeFiles.node.ts";
import type { Backend } from "../plan/backend.ts";
import { readModel } from "../runs/trainedModel.node.ts";
import {
  type Answer,
  type Exporter,
  type ExportFiles,
  type ExportRequest,
  proofFiles,
} from "./exporter.ts";
import { foreignProcess } from "./foreignProcess.node.ts";
import { answerGolden, goldenFile, largestDifference } from "./golden.ts";
import { goldenImages } from "./goldenImages.node.ts";
import { type ExportFormat, exporters } from "./index.node.ts";
import type { InferenceOptions } from "./inferenceGraph.ts";

export interface ExportOptions extends Required<InferenceOptions> {
  readonly format: ExportFormat;
  /** A folder, or a file with the format's ending, beside which the others are laid. */
  readonly out: string;
  /** Golden images to check with. */
  readonly images: number;
  readonly overwrite: boolean;
  readonly backend: Backend;
  readonly version: string;
  readonly onProgress: (text: string) => void;
  readonly signal?: AbortSignal;
}

/** What was written, and the proof that it answers as the model does. */
export interface ExportResult {
  readonly format: ExportFormat;
  readonly title: string;
  readonly files: readonly string[];
  readonly sizeBytes: number;
  readonly parity: {
    /** Largest difference of a probability between the export and our own engine. */
    readonly maxAbsDiff: number;
    readonly images: number;
    /** Which images. */
    readonly origin: string;
    /** Who computed the other side. */
    readonly runtime: string;
    /** Whether that is another program than ours. */
    readonly foreign: boolean;
    readonly notes: readonly string[];
  };
}

/** How far the probabilities of an export may be from ours: float32 sums in another order differ by less. */
const tolerance = 1e-5;

/**
 * Writes a model in another program's format, checked: golden images go through our engine and, from the bytes that are about to
 * be written, through the other program. Nothing is written unless they agree to 1e-5 in every probability.
 *
 * @param path folder of a model or of a run
 * @throws DataError where a file is there already and may not be replaced.
 * @throws FormatError where the export does not answer as the model does.
 * @throws UnsupportedError naming the layer that the format cannot say.
 */
export async function exportModel(path: string, options: ExportOptions): Promise<ExportResult> {
  const { format, out, overwrite, images, backend, version, onProgress, signal } = options;
  const exporter: Exporter = exporters[format];
  const place = placeOf(out, exporter);
  await refuseExisting([place.nameOf(exporter.main)], place.folder, overwrite);
  const model = await readModel(path);
  onProgress("asking the model about golden images");
  const golden = await answerGolden(
    model,
    await goldenImages(model, path, images, signal),
    backend,
  );
  const { preprocessing, softmax } = options;
  const card = await cardOf(path);
  const foreign = foreignProcess();
  const request = { model, card, golden, version, backend, foreign, preprocessing, softmax };
  onProgress(`writing ${exporter.title}`);
  const files = await exporter.encode(request);
  signal?.throwIfAborted();
  onProgress("asking the export about them");
  const answer = await exporter.ask(files, request).finally(() => foreign.close());
  const maxAbsDiff = largestDifference(answer.probabilities, golden.probabilities);
  if (!(maxAbsDiff <= tolerance)) {
    throw new FormatError(
      `export to ${exporter.title}: probabilities differ by up to ${maxAbsDiff} over ${golden.count} images between our engine and ${answer.runtime}; at most ${tolerance} is accepted. Nothing was written.`,
    );
  }
  const complete = withProof(files, exporter, request, answer, maxAbsDiff, place.nameOf);
  await refuseExisting([...complete.keys()], place.folder, overwrite);
  const written = await writeFiles(place.folder, complete);
  const sizeBytes = [...complete.values()].reduce((sum, { length }) => sum + length, 0);
  const { runtime, foreign: isForeign, notes } = answer;
  const parity = {
    maxAbsDiff,
    images: golden.count,
    origin: golden.origin,
    runtime,
    foreign: isForeign,
    notes: golden.note === undefined ? notes : [golden.note, ...notes],
  };
  return { format, title: exporter.title, files: written, sizeBytes, parity };
}

interface Place {
  readonly folder: string;
  /** What a file of the export is called there. */
  nameOf(file: string): string;
}

function placeOf(out: string, { main, extension }: Exporter): Place {
  if (extension === undefined || extname(out).toLowerCase() !== extension) {
    return { folder: out, nameOf: (file) => file };
  }
  const stem = basename(out).slice(0, -extension.length);
  const nameOf = (file: string) => (file === main ? basename(out) : `${stem}.${file}`);
  return { folder: dirname(out), nameOf };
}

async function refuseExisting(
  names: readonly string[],
  folder: string,
  overwrite: boolean,
): Promise<void> {
  const at = await stat(folder).catch(() => undefined);
  if (at !== undefined && !at.isDirectory()) {
    throw new DataError(`out "${folder}": this is a file; name a folder.`);
  }
  if (overwrite) return;
  for (const name of names) {
    const path = join(folder, name);
    if ((await stat(path).catch(() => undefined)) !== undefined) {
      throw new DataError(
        `out "${path}" is there already; replace it with --overwrite or choose another --out.`,
      );
    }
  }
}

/** The files under their final names, the main one last: where it is, the export is whole. */
function withProof(
  files: ExportFiles,
  exporter: Exporter,
  request: ExportRequest,
  answer: Answer,
  maxAbsDiff: number,
  nameOf: (file: string) => string,
): Map<string, Uint8Array> {
  const { golden, model } = request;
  const text = proofText(exporter, request, answer, maxAbsDiff, nameOf);
  const [main, ...others] = [...files].map(([name, bytes]) => [nameOf(name), bytes] as const);
  return new Map([
    ...others,
    [nameOf(proofFiles.golden), goldenFile(golden, model)],
    [nameOf(proofFiles.text), new TextEncoder().encode(text)],
    main!,
  ]);
}

function proofText(
  exporter: Exporter,
  request: ExportRequest,
  { runtime, foreign, notes }: Answer,
  maxAbsDiff: number,
  nameOf: (file: string) => string,
): string {
  const { model, golden, version } = request;
  const { net, classes } = model;
  return `# ${net.name} (${net.variant}) as ${exporter.title}

Written by Striate ${version}. Classes: ${classes.join(", ")}.

## Use

${exporter.instructions(request, nameOf)}

## Proof

${golden.count} images, ${golden.origin}, went through Striate's own engine and through ${runtime}${foreign ? "" : " (which is Striate, too: no other program was asked)"}. Largest difference of a probability: ${maxAbsDiff}.${notes.map((note) => ` ${note}`).join("")}

\`${nameOf(proofFiles.golden)}\` holds the pairs, to repeat the check anywhere: \`images\` uint8 [N, H, W, C], the same normalised as \`input\` float32 [N, C, H, W], and Striate's \`scores\` and \`probabilities\` float32 [N, classes].
`;
}

async function cardOf(path: string) {
  for (const folder of [join(path, "model"), path]) {
    const files = diskFolder(folder);
    if (!(await files.has(modelFiles.config)) || !(await files.has(modelFiles.card))) continue;
    const bytes = await readAll(await files.open(modelFiles.card), 2 ** 24);
    return parseModelCard(new TextDecoder().decode(bytes), `${folder}/${modelFiles.card}`);
  }
  return undefined;
}
