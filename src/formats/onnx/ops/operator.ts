import type { NodeContext } from "../nodeContext.ts";
import type { KnownTensor, OperatorResult } from "../onnxTensor.ts";

/** Appends what a node computes to the graph; one result per output, those that it cannot give left out. */
export type Importer = (
  node: NodeContext,
) => OperatorResult | readonly (OperatorResult | undefined)[];

/** Computes a node at import; `undefined` where not enough is known. */
export type Evaluator = (node: NodeContext) => readonly KnownTensor[] | undefined;

/** Operators by ONNX's names, as the graph computes them. */
export type Importers = Readonly<Record<string, Importer>>;

/** Operators by ONNX's names, as they are computed at import. */
export type Evaluators = Readonly<Record<string, Evaluator>>;

/** What is known of an operator: how the graph computes it, how it is computed at import, or both. */
export interface Operator {
  readonly build?: Importer | undefined;
  readonly evaluate?: Evaluator | undefined;
}

/** Operators by ONNX's names. */
export type Operators = Readonly<Record<string, Operator>>;
