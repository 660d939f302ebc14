import type { Shape } from "../../../core/shape.ts";
import type { Kernel } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { denseView, physicalOrder } from "../layout.ts";
import { emitPositions, loopsOver, positionCount } from "../loopNest.ts";

/**
 * `input0` (int32) → `output0`: 1 at each index and 0 elsewhere along a new axis of `classes`
 * positions. An index that is no class gives zeros.
 */
export function planOneHot(shape: Shape, classes: number, axis: number): KernelPlan {
  const output = denseView(shape.toSpliced(axis, 0, classes));
  const step = output.strides[axis]! * 4;
  const target = { shape, strides: output.strides.toSpliced(axis, 1), offset: 0 };
  const loops = loopsOver([denseView(shape), target], physicalOrder(shape.length));
  const positions = positionCount(loops);
  const perItem = Math.max(1, Math.round(4096 / classes));
  const kernel: Kernel = {
    key: `oneHot ${JSON.stringify([loops, classes, step])}`,
    buffers: 2,
    items: Math.ceil(positions / perItem),
    emit(f, io) {
      const begin = f.local("i32");
      const end = f.local("i32");
      const cursor = f.local("i32");
      const stop = f.local("i32");
      const index = f.local("i32");
      f.get(io.begin).i32(perItem).op("i32.mul").set(begin);
      f.get(io.end).i32(perItem).op("i32.mul").set(end);
      f.i32(positions).get(end).get(end).i32(positions).op("i32.gt_s").op("select").set(end);
      emitPositions(f, loops, begin, end, io.address, ([from, to]) => {
        if (step === 4) {
          f.get(to!)
            .i32(0)
            .i32(classes * 4)
            .memoryFill();
        } else {
          f.get(to!)
            .i32(classes * step)
            .op("i32.add")
            .set(stop);
          f.for(cursor, to!, stop, step, () => f.get(cursor).f32(0).memory("f32.store"));
        }
        f.get(from!).memory("i32.load").tee(index).i32(classes).op("i32.lt_u");
        f.if(() => {
          f.get(to!).get(index).i32(step).op("i32.mul").op("i32.add");
          f.f32(1).memory("f32.store");
        });
      });
    },
  };
  return singleCall(kernel, 1, 1);
}
