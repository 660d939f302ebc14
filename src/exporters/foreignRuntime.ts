import type { Shape } from "../core/shape.ts";

/** Numbers as they are sent to another program. */
export interface ForeignTensor {
  readonly data: Float32Array | Uint8Array;
  readonly shape: Shape;
}

/** A model for another program, and what it shall be asked. */
export interface ForeignTask {
  readonly runtime: "onnx" | "tfjs";
  /** Content of the model's files, the main one first. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly inputs: Readonly<Record<string, ForeignTensor>>;
  /** Name of the output that is wanted. */
  readonly output: string;
}

/** What the other program computed. */
export interface ForeignAnswer {
  readonly data: Float32Array;
  readonly shape: Shape;
  /** Name and version of the program. */
  readonly program: string;
}

/** Other programs that run exported models. */
export interface ForeignRuntime {
  /**
   * Runs a model in the program it was written for; `undefined` where that is not installed.
   *
   * @throws FormatError where the program refuses the model, with its words.
   */
  ask(task: ForeignTask): Promise<ForeignAnswer | undefined>;
  /** Ends what was started. */
  close(): void;
}
