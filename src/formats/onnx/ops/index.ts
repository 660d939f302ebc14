import { activations } from "./activations.ts";
import { binaryRows } from "./binary.ts";
import { convolutions } from "./convolutions.ts";
import { facts, forms } from "./forms.ts";
import { losses } from "./losses.ts";
import { normalizations } from "./normalizations.ts";
import type { Operator, Operators } from "./operator.ts";
import { places } from "./places.ts";
import { pointwiseOperator } from "./pointwise.ts";
import { pools } from "./pools.ts";
import { products } from "./products.ts";
import { reductions } from "./reductions.ts";
import { resampling } from "./resampling.ts";
import { selections } from "./selection.ts";
import { dropouts, optimizers } from "./training.ts";
import { unaryRows } from "./unary.ts";

function mapped<T>(table: Readonly<Record<string, T>>, f: (row: T) => Operator): Operators {
  return Object.fromEntries(Object.entries(table).map(([name, row]) => [name, f(row)]));
}

/** Every operator that is imported, by domain and name. The domain of the standard ones is empty. */
export function operators(): Readonly<Record<string, Operators>> {
  return {
    "": {
      ...mapped({ ...unaryRows, ...binaryRows }, pointwiseOperator),
      ...mapped(
        {
          ...activations,
          ...convolutions,
          ...pools,
          ...products,
          ...normalizations,
          ...losses,
          ...resampling,
          ...dropouts,
        },
        (build) => ({ build }),
      ),
      ...mapped(facts, (evaluate) => ({ evaluate })),
      ...forms,
      ...places,
      ...reductions,
      ...selections,
    },
    "ai.onnx.preview.training": mapped(optimizers, (build) => ({ build })),
  };
}
