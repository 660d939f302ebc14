import type { Shape } from "../../../core/shape.ts";
import type { Kernel } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { denseView, memoryOrder } from "../layout.ts";
import { emitPositions, loopsOver, positionCount } from "../loopNest.ts";

/**
 * `input0` → `output0` (int32): the index of the largest element along `axis`, which disappears. The
 * first of equals wins, the first NaN before all numbers.
 */
export function planArgMax(shape: Shape, axis: number): KernelPlan {
  const input = denseView(shape);
  const result = denseView(shape.toSpliced(axis, 1));
  const source = {
    shape: result.shape,
    strides: input.strides.toSpliced(axis, 1),
    offset: 0,
  };
  const loops = loopsOver([source, result], memoryOrder(source));
  const size = shape[axis]!;
  const step = input.strides[axis]! * 4;
  const positions = positionCount(loops);
  const perItem = Math.max(1, Math.round(4096 / size));
  const kernel: Kernel = {
    key: `argMax ${JSON.stringify([loops, size, step])}`,
    buffers: 2,
    items: Math.ceil(positions / perItem),
    flops: positions * size,
    emit(f, io) {
      const begin = f.local("i32");
      const end = f.local("i32");
      const cursor = f.local("i32");
      const index = f.local("i32");
      const place = f.local("i32");
      const best = f.local("f32");
      const value = f.local("f32");
      f.get(io.begin).i32(perItem).op("i32.mul").set(begin);
      f.get(io.end).i32(perItem).op("i32.mul").set(end);
      f.i32(positions).get(end).get(end).i32(positions).op("i32.gt_s").op("select").set(end);
      emitPositions(f, loops, begin, end, io.address, ([from, to]) => {
        f.get(from!).tee(cursor).memory("f32.load").set(best).i32(0).set(place);
        f.for(index, 1, size, 1, () => {
          f.increment(cursor, step);
          // Not "at most the best so far": larger, or NaN. After a NaN nothing counts.
          f.get(cursor).memory("f32.load").tee(value).get(best).op("f32.le").op("i32.eqz");
          f.get(best).get(best).op("f32.eq").op("i32.and");
          f.if(() => f.get(value).set(best).get(index).set(place));
        });
        f.get(to!).get(place).memory("i32.store");
      });
    },
  };
  return singleCall(kernel, 1, 1);
}
