import { elementCount, rowMajorStrides, type Shape } from "../../core/shape.ts";

/** Numbers of a value: float64, row-major in logical order, whatever the declared dtype. */
export interface Tensor {
  readonly shape: Shape;
  readonly data: Float64Array;
}

export function zeros(shape: Shape): Tensor {
  return { shape, data: new Float64Array(elementCount(shape)) };
}

/** Calls `visit(index, flat)` for every index of a shape, in row-major order. The index array is reused. */
export function forEachIndex(shape: Shape, visit: (index: number[], flat: number) => void): void {
  const index = new Array<number>(shape.length).fill(0);
  const count = elementCount(shape);
  for (let flat = 0; flat < count; flat++) {
    visit(index, flat);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** A function from an index into `shape` to the place of the element that broadcasts there. */
export function broadcastReader(x: Tensor, shape: Shape): (index: readonly number[]) => number {
  const offset = shape.length - x.shape.length;
  const steps = rowMajorStrides(x.shape).map((step, axis) => (x.shape[axis] === 1 ? 0 : step));
  return (index) => {
    let place = 0;
    for (let axis = 0; axis < steps.length; axis++) place += steps[axis]! * index[axis + offset]!;
    return x.data[place]!;
  };
}
