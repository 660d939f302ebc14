import { OptionError, ShapeError } from "../core/errors.ts";
import { checkOptions, listOf, number } from "../core/fields.ts";
import { formatShape } from "../core/shape.ts";
import { input, scalar as s } from "../graph/expression.ts";
import { elementwise } from "../graph/ops/elementwise.ts";
import { matmul } from "../graph/ops/matmul.ts";
import { reduceSum } from "../graph/ops/reduce.ts";
import { reshape } from "../graph/ops/reshape.ts";
import { type Layer, layer } from "./layer.ts";

/** Options of {@link radialBasis}. */
export interface RadialBasisOptions {
  /** The code of each class: rows of equal length. They are kept with the net, but not trained. */
  readonly codes: readonly (readonly number[])[];
}

/**
 * LeNet-5's output: the penalty `y_i = Σ_j (x_j − w_ij)²` of each class, its distance from the class's code; the smallest
 * wins. `w` is the buffer `weight [classes, features]`. `[N, features] → [N, classes]`. The loss is `rbfLoss`.
 *
 * It is computed as `x² − 2xw + w²`: with codes of ±1 and activations of that size no digits are lost.
 * Source: LeCun et al. 1998, section II.B, equation 7.
 *
 * @throws ShapeError where the codes do not have as many features as the input.
 */
export function radialBasis(options: RadialBasisOptions): Layer {
  checkOptions("radialBasis", options, { codes: listOf(listOf(number(), 1), 1) });
  const { codes } = options;
  const classes = codes.length;
  const features = codes[0]!.length;
  if (codes.some((code) => code.length !== features)) {
    throw new OptionError(
      `radialBasis: the codes have ${[...new Set(codes.map((code) => code.length))].join(" and ")} features; all need the same number.`,
    );
  }
  const given = {
    kind: "given",
    options: {},
    fill: () => Float32Array.from(codes.flat()),
  };
  return layer("radialBasis", options, ([x], scope) => {
    if (x!.shape.length !== 2 || x!.shape[1] !== features) {
      throw new ShapeError(
        `radialBasis "${scope.path}": expected [N, ${features}] for codes of ${features} features, got ${formatShape(x!.shape)}.`,
      );
    }
    const weight = scope.buffer("weight", [classes, features], given);
    const square = s.mul(input(0), input(0));
    const length = reduceSum(elementwise([x!], square), { axes: [1], keepDims: true });
    const codeLength = reshape(reduceSum(elementwise([weight], square), { axes: [1] }), [
      1,
      classes,
    ]);
    const product = matmul(x!, weight, { transposeB: true });
    const y = s.add(s.sub(input(1), s.mul(2, input(0))), input(2));
    return elementwise([product, length, codeLength], y);
  });
}
