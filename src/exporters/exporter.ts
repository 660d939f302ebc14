import type { ModelCard } from "../formats/huggingface/modelCard.ts";
import type { Backend } from "../plan/backend.ts";
import type { Model } from "../runs/model.ts";
import type { ForeignRuntime } from "./foreignRuntime.ts";
import type { Golden } from "./golden.ts";
import type { InferenceOptions } from "./inferenceGraph.ts";

/** What is handed over, and how. */
export interface ExportRequest extends Required<InferenceOptions> {
  readonly model: Model;
  /** The model's own card, if it has one. */
  readonly card: ModelCard | undefined;
  readonly golden: Golden;
  /** Of Striate. */
  readonly version: string;
  /** Our own engine, for checks that read an export back. */
  readonly backend: Backend;
  readonly foreign: ForeignRuntime;
}

/** The names of the golden pairs and of the text that explains an export. */
export const proofFiles = { golden: "golden.npz", text: "EXPORT.md" } as const;

/** Content of files by name. The first is the one that the others belong to. */
export type ExportFiles = ReadonlyMap<string, Uint8Array>;

/** What an export says about the golden images, and who was asked. */
export interface Answer {
  /** Probabilities, `[count, classes]`. */
  readonly probabilities: Float32Array;
  /** Who computed them, as a sentence goes on: `ONNX Runtime 1.30.0`. */
  readonly runtime: string;
  /** Whether that is another program than ours. */
  readonly foreign: boolean;
  /** What else was compared. */
  readonly notes: readonly string[];
}

/** One form in which a model is handed over. */
export interface Exporter {
  /** For people: `ONNX, operator set 18`. */
  readonly title: string;
  /** Name of the file that the others belong to, when `--out` is a folder. */
  readonly main: string;
  /** Ending of a single file that may be named instead of a folder; none for formats that are folders. */
  readonly extension: string | undefined;
  /** The files, apart from golden pairs and the text that explains them. */
  encode(request: ExportRequest): Promise<ExportFiles>;
  /** Runs what was written, from its bytes alone, over the golden images. */
  ask(files: ExportFiles, request: ExportRequest): Promise<Answer>;
  /**
   * How to load the files and repeat the check elsewhere: Markdown.
   *
   * @param nameOf what a file of this export is called where it lies
   */
  instructions(request: ExportRequest, nameOf: (file: string) => string): string;
}
