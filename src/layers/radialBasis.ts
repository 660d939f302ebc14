import { OptionError, ShapeError } from "../core/errors.ts";
import { formatShape } from "../core/shape.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { reshape } from "../graph/ops/reshape.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link radialBasis}. */
export interface RadialBasisOptions {
  readonly classes: number;
  /** The code of each class, one after the other: `classes · features` numbers, not trained. */
  readonly codes: Float32Array;
}

/**
 * LeNet-5's output: `y_i = −Σ_j (x_j − w_ij)²`, the negated distance from the code of each class, so that the largest
 * wins; `w` is the buffer `weight [classes, features]`. `[N, features] → [N, classes]`. The loss of the paper is
 * `rbfLoss` of the negated output.
 *
 * It is computed as `2xw − x² − w²`: with codes of ±1 and activations of the same size no digits are lost.
 * Source: LeCun et al. 1998, section II.B, equation 7.
 *
 * @throws ShapeError where the codes do not have as many features as the input.
 */
export function radialBasis(options: RadialBasisOptions): Layer {
  const { classes, codes } = options;
  const features = codes.length / classes;
  if (!Number.isInteger(features)) {
    throw new OptionError(
      `radialBasis: ${codes.length} numbers are not codes of ${classes} classes of equal length.`,
    );
  }
  return layer("radialBasis", { classes, codes: [...codes] }, ([x], scope) => {
    if (x!.shape.length !== 2 || x!.shape[1] !== features) {
      throw new ShapeError(
        `radialBasis "${scope.path}": expected [N, ${features}] for codes of ${features} features, got ${formatShape(x!.shape)}.`,
      );
    }
    const weight = scope.buffer("weight", [classes, features], given(codes));
    const square = s.mul(input(0), input(0));
    const length = reduceSum(elementwise([x!], square), { axes: [1], keepDims: true });
    const codeLength = reshape(reduceSum(elementwise([weight], square), { axes: [1] }), [
      1,
      classes,
    ]);
    const product = matmul(x!, weight, { transposeB: true });
    const y = s.sub(s.sub(s.mul(2, input(0)), input(1)), input(2));
    return elementwise([product, length, codeLength], y);
  });
}

/** These numbers. */
function given(codes: Float32Array): Initializer {
  return { kind: "given", options: {}, fill: () => Float32Array.from(codes) };
}
