import { subtract } from "../graph/ops/binary.ts";
import { type Layer, layer } from "./layer.ts";

/**
 * Takes a mean image away, which is kept as the buffer `mean [C, H, W]`, first 0: `y = x − mean`. The shape stays.
 * Nets of Caffe that were trained with a `mean_file` begin with it. Source: Krizhevsky, Sutskever & Hinton 2012, section 2.
 */
export function subtractMean(): Layer {
  return layer("subtractMean", {}, ([x], scope) => {
    const mean = scope.buffer("mean", x!.shape.slice(1));
    return subtract(x!, mean);
  });
}
