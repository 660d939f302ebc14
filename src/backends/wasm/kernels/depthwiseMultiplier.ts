/**
 * Depthwise convolutions with several filters per channel become ones with a single filter: the
 * channels of the input are repeated, and a gradient of the repeated channels is summed.
 */
import type { Local } from "../assembler.ts";
import type { Kernel } from "../kernel.ts";

/** Pixels of a work item. */
const pixelsPerItem = 64;

function itemsOf(pixels: number): number {
  return Math.ceil(pixels / pixelsPerItem);
}

/** Buffers x [pixels, channels], result [pixels, channels · multiplier]: `result[p, c·m + j] = x[p, c]`. */
export function repeatChannelsKernel(pixels: number, channels: number, multiplier: number): Kernel {
  return {
    key: `repeatChannels ${pixels}x${channels}x${multiplier}`,
    buffers: 2,
    items: itemsOf(pixels),
    emit(f, io) {
      const [x, result] = io.address as [Local, Local];
      const [at, last, to, copy] = f.locals("i32", 4) as [Local, Local, Local, Local];
      const value = f.local("f32");
      const itemBytes = pixelsPerItem * channels * 4;
      f.get(x).get(io.begin).i32(itemBytes).op("i32.mul").op("i32.add").set(at);
      f.get(result)
        .get(io.begin)
        .i32(itemBytes * multiplier)
        .op("i32.mul")
        .op("i32.add")
        .set(to);
      f.get(io.end)
        .i32(itemBytes)
        .op("i32.mul")
        .tee(last)
        .i32(pixels * channels * 4);
      f.get(last)
        .i32(pixels * channels * 4)
        .op("i32.lt_s")
        .op("select");
      f.get(x).op("i32.add").set(last);
      f.for(at, at, last, 4, () => {
        f.get(at).memory("f32.load").set(value);
        f.for(copy, 0, multiplier, 1, () => {
          f.get(to).get(value).memory("f32.store");
          f.increment(to, 4);
        });
      });
      f.release(at, last, to, copy, value);
    },
  };
}

/** Buffers x [pixels, channels · multiplier], result [pixels, channels]: `result[p, c] = Σⱼ x[p, c·m + j]`. */
export function sumChannelsKernel(pixels: number, channels: number, multiplier: number): Kernel {
  return {
    key: `sumChannels ${pixels}x${channels}x${multiplier}`,
    buffers: 2,
    items: itemsOf(pixels),
    flops: pixels * channels * multiplier,
    emit(f, io) {
      const [x, result] = io.address as [Local, Local];
      const [at, last, to, copy] = f.locals("i32", 4) as [Local, Local, Local, Local];
      const itemBytes = pixelsPerItem * channels * 4;
      const sum = f.local("f32");
      f.get(x)
        .get(io.begin)
        .i32(itemBytes * multiplier)
        .op("i32.mul")
        .op("i32.add")
        .set(at);
      f.get(result).get(io.begin).i32(itemBytes).op("i32.mul").op("i32.add").set(to);
      f.get(io.end)
        .i32(itemBytes)
        .op("i32.mul")
        .tee(last)
        .i32(pixels * channels * 4);
      f.get(last)
        .i32(pixels * channels * 4)
        .op("i32.lt_s")
        .op("select");
      f.get(result).op("i32.add").set(last);
      f.for(to, to, last, 4, () => {
        f.get(at).memory("f32.load").set(sum);
        f.for(copy, 1, multiplier, 1, () => {
          f.increment(at, 4);
          f.get(sum).get(at).memory("f32.load").op("f32.add").set(sum);
        });
        f.increment(at, 4);
        f.get(to).get(sum).memory("f32.store");
      });
      f.release(at, last, to, copy, sum);
    },
  };
}
