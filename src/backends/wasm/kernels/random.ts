import type { RandomKey } from "../../../core/random.ts";
import { elementCount, type Shape } from "../../../core/shape.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { emitRow, storeLanes } from "../vectorAccess.ts";
import { vectorCode } from "../vectorCode.ts";

const blockElements = 4096;

/**
 * `input0` (int32 [2], a key) → `output0`: uniform numbers in [0, 1). Element e in the order of the
 * memory is `bitsToUniform(randomBits(key ⊕ stream, e))` of core/random.ts.
 */
export function planRandom(shape: Shape, stream: RandomKey): KernelPlan {
  const count = elementCount(shape);
  const items = Math.ceil(count / blockElements);
  const kernel: Kernel = {
    key: `random ${count} ${stream.k0} ${stream.k1}`,
    buffers: 2,
    items,
    flops: 12 * count,
    emit(f, io) {
      const v = vectorCode(f);
      const [k0, k1] = [stream.k0, stream.k1].map((word, i) => {
        const key = f.local("v128");
        f.get(io.address[0]!)
          .memory("i32.load", i * 4)
          .i32(word)
          .op("i32.xor");
        f.op("i32x4.splat").set(key);
        return key;
      }) as [Local, Local];
      const first = f.local("i32");
      const length = f.local("i32");
      const target = f.local("i32");
      const index = f.local("v128");
      const bits = f.local("v128");
      f.get(io.begin).i32(blockElements).op("i32.mul").set(first);
      f.get(io.end).i32(blockElements).op("i32.mul").set(length);
      f.i32(count).get(length).get(length).i32(count).op("i32.gt_s").op("select");
      f.get(first).op("i32.sub").set(length);
      f.get(io.address[1]!).get(first).i32(2).op("i32.shl").op("i32.add").set(target);
      f.get(first).op("i32x4.splat").i32x4Lanes(0, 1, 2, 3).op("i32x4.add").set(index);
      const all = items === 1 ? count : length;
      const row = { length: all, tail: count % 4, unroll: 1, straight: 1 };
      emitRow(f, { ...row, addresses: [target], steps: [1] }, ([to], [vector]) => {
        v.push(v.op("v128.xor", index, k0));
        f.set(bits);
        emitMix(f, bits);
        v.push(v.op("i32x4.add", bits, k1));
        f.set(bits);
        emitMix(f, bits);
        const whole = v.op("f32x4.convert_i32x4_s", v.shift("i32x4.shr_u", bits, 8));
        const { element, count: lanes } = vector!;
        storeLanes(f, to!, element, 1, lanes, v.mul(whole, 2 ** -24));
        v.push(v.op("i32x4.add", index, v.int(4)));
        f.set(index);
      });
    },
  };
  return singleCall(kernel, 1, 1);
}

/** `mix32` of core/random.ts on four lanes. */
function emitMix(f: FunctionBuilder, bits: Local): void {
  const v = vectorCode(f);
  const fold = (distance: number): void => {
    v.push(v.op("v128.xor", bits, v.shift("i32x4.shr_u", bits, distance)));
    f.set(bits);
  };
  const multiply = (factor: number): void => {
    v.push(v.op("i32x4.mul", bits, v.int(factor)));
    f.set(bits);
  };
  fold(16);
  multiply(0x7feb352d);
  fold(15);
  multiply(0x846ca68b);
  fold(16);
}
