import type { TensorType } from "../../../graph/graph.ts";
import type { MatmulAttributes } from "../../../graph/ops/matmul.ts";
import { type Tensor, zeros } from "../tensor.ts";

export function matmul(
  [a, b]: readonly Tensor[],
  { transposeA, transposeB }: MatmulAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const c = zeros(type!.shape);
  const [m, n] = type!.shape.slice(-2) as [number, number];
  const k = a!.shape.at(transposeA ? -2 : -1)!;
  const batches = c.data.length / (m * n);
  const [aRow, aInner] = transposeA ? [1, m] : [k, 1];
  const [bInner, bColumn] = transposeB ? [1, k] : [n, 1];
  for (let batch = 0; batch < batches; batch++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          sum +=
            a!.data[batch * m * k + i * aRow + l * aInner]! *
            b!.data[batch * k * n + l * bInner + j * bColumn]!;
        }
        c.data[(batch * m + i) * n + j] = sum;
      }
    }
  }
  return [c];
}
