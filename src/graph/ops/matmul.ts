import { ShapeError } from "../../core/errors.ts";
import { elementCount, formatShape } from "../../core/shape.ts";
import type { Value } from "../builder.ts";
import type { PrimitiveOp } from "../op.ts";
import { broadcastTo } from "./broadcast.ts";
import { reshape } from "./reshape.ts";

export type MatmulAttributes = { readonly transposeA: boolean; readonly transposeB: boolean };

/**
 * Matrix product over the last two axes: `C = op(A) · op(B)`, `[M, K] · [K, N] → [M, N]`, or as many
 * products as a leading axis says; `op` may transpose.
 *
 * `dA = dC · op(B)ᵀ`, `dB = op(A)ᵀ · dC`, themselves transposed where the operand was.
 */
export const matmulOp: PrimitiveOp<MatmulAttributes> = {
  name: "matmul",
  kind: "primitive",
  infer([a, b], { transposeA, transposeB }, where) {
    const rank = a!.shape.length;
    const mismatch = (why: string): never => {
      throw new ShapeError(
        `${where}: ${formatShape(a!.shape)}${transposeA ? " transposed" : ""} times ${formatShape(b!.shape)}${transposeB ? " transposed" : ""}: ${why}`,
      );
    };
    if (rank < 2 || rank > 3 || b!.shape.length !== rank) {
      mismatch("both need the same rank, 2 or 3; matmul() joins more leading axes into one.");
    }
    const batch = a!.shape.slice(0, -2);
    if (batch.some((size, axis) => size !== b!.shape[axis])) mismatch("leading sizes differ.");
    const m = a!.shape[rank - (transposeA ? 1 : 2)]!;
    const k = a!.shape[rank - (transposeA ? 2 : 1)]!;
    const kB = b!.shape[rank - (transposeB ? 1 : 2)]!;
    const n = b!.shape[rank - (transposeB ? 2 : 1)]!;
    if (k !== kB) mismatch(`inner sizes ${k} and ${kB} differ.`);
    return [{ shape: [...batch, m, n], dtype: "float32" }];
  },
  macs([a], [c], { transposeA }) {
    return elementCount(c!.shape) * a!.shape.at(transposeA ? -2 : -1)!;
  },
  gradient({ inputs, attributes, gradients, needed }) {
    const [a, b] = inputs;
    const { transposeA, transposeB } = attributes;
    const dC = gradients[0]!;
    const dA = !needed[0]
      ? undefined
      : transposeA
        ? matmul(b!, dC, { transposeA: transposeB, transposeB: true })
        : matmul(dC, b!, { transposeB: !transposeB });
    const dB = !needed[1]
      ? undefined
      : transposeB
        ? matmul(dC, a!, { transposeA: true, transposeB: transposeA })
        : matmul(a!, dC, { transposeA: !transposeA });
    return [dA, dB];
  },
};

/** Options of {@link matmul}: which operand is read transposed in its last two axes. */
export interface MatmulOptions {
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

/**
 * Matrix product with NumPy's rules: leading axes broadcast, a matrix on the right of a tensor applies to its
 * last axis, and a vector is a row on the left and a column on the right, whose axis goes again.
 *
 * @throws ShapeError for scalars, and where inner sizes differ or leading ones do not broadcast.
 */
export function matmul(a: Value, b: Value, options: MatmulOptions = {}): Value {
  const { transposeA = false, transposeB = false } = options;
  const { builder } = a;
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new ShapeError(
      `matmul: ${formatShape(a.shape)} times ${formatShape(b.shape)}: a scalar has no axis to sum over; use multiply.`,
    );
  }
  if (a.shape.length === 1) {
    const y = matmul(reshape(a, [1, -1]), b, { transposeB });
    return reshape(y, b.shape.length === 1 ? [] : [...y.shape.slice(0, -2), y.shape.at(-1)!]);
  }
  if (b.shape.length === 1) {
    const y = matmul(a, reshape(b, [-1, 1]), { transposeA });
    return reshape(y, y.shape.slice(0, -1));
  }
  if (b.shape.length === 2 && a.shape.length > 2 && !transposeA) {
    const lead = a.shape.slice(0, -1);
    const rows = reshape(a, [elementCount(lead), a.shape.at(-1)!]);
    return reshape(matmul(rows, b, options), [...lead, b.shape[transposeB ? 0 : 1]!]);
  }
  const rank = Math.max(a.shape.length, b.shape.length);
  if (rank > 2) {
    const lead = (x: Value) => [...new Array(rank - x.shape.length).fill(1), ...x.shape];
    const [as, bs] = [lead(a), lead(b)];
    const batch = as.slice(0, -2).map((size: number, axis: number) => Math.max(size, bs[axis]));
    const count = elementCount(batch);
    const widen = (x: Value, shape: number[]) => {
      const matrix = shape.slice(-2);
      return reshape(broadcastTo(reshape(x, shape), [...batch, ...matrix]), [count, ...matrix]);
    };
    const operands = [widen(a, as), widen(b, bs)];
    const [y] = builder.add(matmulOp, operands, { transposeA, transposeB }, "matmul");
    return reshape(y!, [...batch, ...y!.shape.slice(-2)]);
  }
  return builder.add(matmulOp, [a, b], { transposeA, transposeB }, "matmul")[0]!;
}
