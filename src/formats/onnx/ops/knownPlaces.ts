import { elementCount, rowMajorStrides, type Shape } from "../../../core/shape.ts";
import type { ElementType } from "../../elementType.ts";
import type { NodeContext } from "../nodeContext.ts";
import { isEmpty, type KnownTensor, known, type OnnxTensor } from "../onnxTensor.ts";

/**
 * The known tensor whose element at each place is that of `tensor` at `from(place)`. Of a result without elements
 * nothing needs to be known.
 */
export function placed(
  node: NodeContext,
  tensor: OnnxTensor,
  shape: Shape,
  from: (at: readonly number[]) => readonly number[],
  elementType: ElementType = tensor.elementType,
): KnownTensor {
  if (isEmpty(shape)) return known([], shape, elementType);
  const { numbers = [], shape: own } = tensor;
  const count = elementCount(shape);
  node.charge(count);
  const steps = rowMajorStrides(own);
  const result = new Float64Array(count);
  const at = shape.map(() => 0);
  for (let i = 0; i < count; i++) {
    let offset = 0;
    for (const [axis, index] of from(at).entries()) offset += index * steps[axis]!;
    result[i] = numbers[offset]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at[axis]!++;
      if (at[axis]! < shape[axis]!) break;
      at[axis] = 0;
    }
  }
  return known(result, shape, elementType);
}

/** Whether the numbers of a result are known at import: its source is, or there are none. */
export function isKnownResult(tensor: OnnxTensor, shape: Shape): boolean {
  return tensor.numbers !== undefined || isEmpty(shape);
}
