import type { Value } from "../../../graph/builder.ts";
import { add, multiply } from "../../../graph/ops/binary.ts";
import { matmul } from "../../../graph/ops/matmul.ts";
import type { NodeContext } from "../nodeContext.ts";
import type { Importers } from "./operator.ts";

/** `α·op(A)·op(B) + β·C`. */
function gemm(node: NodeContext): Value {
  const plain = matmul(node.input(0), node.input(1), {
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
export const products: Importers = {
  Gemm: gemm,
  MatMul: (node) => matmul(node.input(0), node.input(1)),
};
