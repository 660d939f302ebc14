import type { DType, TensorData } from "../../core/dtype.ts";
import type { Shape } from "../../core/shape.ts";
import type { PrimitiveOp } from "../op.ts";

/** Where a computation begins: what it is fed, what the session remembers, what is known. */

export type InputAttributes = {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
};

/** A tensor that each run is fed with. */
export const inputOp: PrimitiveOp<InputAttributes> = {
  name: "input",
  kind: "primitive",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  gradient: "none",
};

export type StateAttributes = InputAttributes & { readonly initial: number };

/** A tensor that lives in the session between runs, known there by its name. */
export const stateOp: PrimitiveOp<StateAttributes> = {
  name: "state",
  kind: "primitive",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  gradient: "none",
};

export type ConstantAttributes = {
  /** Row-major in logical order. Scalars keep the full precision of the host. */
  readonly data: TensorData | Float64Array;
  readonly shape: Shape;
  readonly dtype: DType;
};

/** Numbers known when the graph is built. */
export const constantOp: PrimitiveOp<ConstantAttributes> = {
  name: "constant",
  kind: "primitive",
  infer: (_, { shape, dtype }) => [{ shape, dtype }],
  gradient: "none",
};
