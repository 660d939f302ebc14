/** The JSON beside the tensors; see the README of the vectors for the meaning of each field. */
export interface GraphSpecification {
  readonly case: string;
  readonly mode: "train" | "eval";
  readonly inputs: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: string;
    readonly gradient: boolean;
  }[];
  readonly nodes: readonly NodeSpecification[];
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly loss_float64: number;
  readonly tolerance: Readonly<Record<string, number>>;
  readonly file: string;
}

export interface NodeSpecification {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly params?: readonly string[];
  readonly buffers?: readonly string[];
  readonly attrs?: Readonly<Record<string, unknown>>;
}
