import { normalizeAxis } from "../../../core/shape.ts";
import type { Value } from "../../../graph/builder.ts";
import { concat } from "../../../graph/ops/concat.ts";
import { reshape } from "../../../graph/ops/reshape.ts";
import { logSoftmax, softmax } from "../../../graph/ops/softmax.ts";
import { transpose } from "../../../graph/ops/transpose.ts";
import type { Importer, Importers } from "./operator.ts";

const product = (sizes: readonly number[]): number => sizes.reduce((n, size) => n * size, 1);

function flattened(x: Value, axis: number, where: string): Value {
  const start = axis === x.shape.length ? axis : normalizeAxis(axis, x.shape.length, where);
  return reshape(x, [product(x.shape.slice(0, start)), product(x.shape.slice(start))]);
}

const normalized =
  (f: (x: Value, axis: number) => Value): Importer =>
  (node) => {
    const x = node.input(0);
    if (node.opset >= 13) return f(x, node.int("axis", -1));
    // Until opset 12 all axes from `axis` on are one.
    return reshape(f(flattened(x, node.int("axis", 1), node.where), 1), x.shape);
  };

/** Operators that move elements or normalise along an axis. */
export const shapes: Importers = {
  Softmax: normalized(softmax),
  LogSoftmax: normalized(logSoftmax),
  Concat: (node) => concat(node.inputs(), node.int("axis", 1)),
  Flatten: (node) => flattened(node.input(0), node.int("axis", 1), node.where),
  Transpose: (node) => transpose(node.input(0), node.ints("perm")),
  Reshape(node) {
    const x = node.input(0);
    const sizes = node.opset >= 5 ? node.known(1) : (node.ints("shape") ?? []);
    const keepsZero = node.int("allowzero", 0) !== 0;
    return reshape(
      x,
      sizes.map((size, i) => (size === 0 && !keepsZero ? (x.shape[i] ?? 0) : size)),
    );
  },
};
