import { bitsToUniform, randomBits } from "../../../core/random.ts";
import { broadcastShapes, sameShape } from "../../../core/shape.ts";
import type { Expression } from "../../../graph/expression.ts";
import { type BinaryAttributes, binaryExpression } from "../../../graph/ops/binary.ts";
import type { ElementwiseAttributes } from "../../../graph/ops/elementwise.ts";
import type { RandomAttributes } from "../../../graph/ops/random.ts";
import { type UnaryAttributes, unaryExpression } from "../../../graph/ops/unary.ts";
import { evaluator } from "../../../graph/scalarFunctions.ts";
import { broadcastReader, forEachIndex, type Tensor, zeros } from "../tensor.ts";

/** Evaluates expressions over broadcast inputs. */
export function applyExpressions(
  inputs: readonly Tensor[],
  expressions: readonly Expression[],
): Tensor[] {
  const shape = broadcastShapes(
    inputs.map((x) => x.shape),
    "elementwise",
  );
  const readers = inputs.map((x) =>
    sameShape(x.shape, shape)
      ? (_: readonly number[], flat: number) => x.data[flat]!
      : broadcastReader(x, shape),
  );
  const elements = new Array<number>(inputs.length);
  const functions = expressions.map(evaluator);
  const outputs = expressions.map(() => zeros(shape));
  forEachIndex(shape, (index, flat) => {
    for (let i = 0; i < readers.length; i++) elements[i] = readers[i]!(index, flat);
    for (let i = 0; i < functions.length; i++) outputs[i]!.data[flat] = functions[i]!(elements);
  });
  return outputs;
}

export function elementwise(
  inputs: readonly Tensor[],
  attributes: ElementwiseAttributes,
): Tensor[] {
  return applyExpressions(inputs, attributes.expressions);
}

export function unary(inputs: readonly Tensor[], attributes: UnaryAttributes): Tensor[] {
  return applyExpressions(inputs, [unaryExpression(attributes)]);
}

export function binary(inputs: readonly Tensor[], attributes: BinaryAttributes): Tensor[] {
  return applyExpressions(inputs, [binaryExpression(attributes)]);
}

export function random([key]: readonly Tensor[], { shape, stream }: RandomAttributes): Tensor[] {
  const [k0, k1] = [(key!.data[0]! | 0) ^ stream.k0, (key!.data[1]! | 0) ^ stream.k1];
  const y = zeros(shape);
  const [, c = 1, h = 1, w = 1] = shape;
  forEachIndex(shape, (index, flat) => {
    let counter = flat;
    if (shape.length === 4) {
      const [in_, ic, ih, iw] = index as [number, number, number, number];
      counter = ((in_ * h + ih) * w + iw) * c + ic;
    }
    y.data[flat] = bitsToUniform(randomBits({ k0, k1 }, counter));
  });
  return [y];
}
