import type { Kernel } from "./kernel.ts";

const chains = 24;
const unrolled = 4;
const rounds = 10_000;
const bytesPerChain = 16;
/** Two vectors that are multiplied, before the vectors that are added up. */
const factorBytes = 32;

/**
 * What profiles compare with: independent chains of fused multiply-adds that never leave the registers, on every
 * thread. Nothing that this engine compiles can be faster.
 */
export function peakKernel(threads: number): Kernel {
  return {
    key: "peak",
    buffers: 0,
    items: threads,
    scratchBytes: factorBytes + chains * bytesPerChain,
    flops: threads * rounds * chains * unrolled * 8,
    emit(f, { scratch }) {
      const sums = f.locals("v128", chains);
      const factors = f.locals("v128", 2);
      const count = f.local("i32");
      // Numbers near 1, all different, so that no chain is known to equal another.
      const numbers = (factorBytes + chains * bytesPerChain) / 4;
      for (let i = 0; i < numbers; i++) {
        f.get(scratch)
          .f32(0.5 + i / 256)
          .memory("f32.store", 4 * i);
      }
      for (const [i, factor] of factors.entries()) {
        f.get(scratch)
          .memory("v128.load", i * bytesPerChain)
          .set(factor);
      }
      for (const [i, sum] of sums.entries()) {
        f.get(scratch)
          .memory("v128.load", factorBytes + i * bytesPerChain)
          .set(sum);
      }
      f.i32(rounds).set(count);
      f.loop((again) => {
        for (let step = 0; step < unrolled; step++) {
          for (const [i, sum] of sums.entries()) {
            const factor = factors[i % 2]!;
            f.get(factor).get(factor).get(sum).op("f32x4.relaxed_madd").set(sum);
          }
        }
        f.get(count).i32(1).op("i32.sub").tee(count).branchIf(again);
      });
      for (const [i, sum] of sums.entries()) {
        f.get(scratch)
          .get(sum)
          .memory("v128.store", factorBytes + i * bytesPerChain);
      }
      f.release(count, ...factors, ...sums);
    },
  };
}
