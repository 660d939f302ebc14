import type { Value } from "../../../graph/builder.ts";
import { add, multiply } from "../../../graph/ops/binary.ts";
import { matmul as product } from "../../../graph/ops/matmul.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import type { NodeContext } from "../nodeContext.ts";
import type { Importers } from "./operator.ts";

/** A vector is a row on the left and a column on the right; the axis added goes again. */
function matMul(node: NodeContext): Value {
  const [a, b] = [node.input(0), node.input(1)];
  const left = a.shape.length === 1 ? reshape(a, [1, -1]) : a;
  const right = b.shape.length === 1 ? reshape(b, [-1, 1]) : b;
  const y = product(left, right);
  const rows = left === a ? y.shape.slice(0, -1) : y.shape.slice(0, -2);
  return reshape(y, right === b ? [...rows, y.shape.at(-1)!] : rows);
}

/** `α·op(A)·op(B) + β·C`. */
function gemm(node: NodeContext): Value {
  const plain = product(node.input(0), node.input(1), {
    transposeA: node.int("transA", 0) !== 0,
    transposeB: node.int("transB", 0) !== 0,
  });
  const alpha = node.float("alpha", 1);
  const beta = node.float("beta", 1);
  const scaled = alpha === 1 ? plain : multiply(plain, alpha);
  if (!node.has(2)) return scaled;
  return add(scaled, beta === 1 ? node.input(2) : multiply(node.input(2), beta));
}

/** Matrix products. */
export const products: Importers = { Gemm: gemm, MatMul: matMul };
