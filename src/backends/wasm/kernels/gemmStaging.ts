/**
 * Copies the source of a row block into scratch memory: the rows and columns that its taps touch, with
 * zeros where they lie outside the source, and only the channels of one group, so that all values of a
 * row of taps lie side by side.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { KernelModule } from "../kernel.ts";
import type { RowProduct } from "./gemm.ts";

/** What of a product decides which part of its source a row block needs. */
export type StagingGeometry = Pick<
  RowProduct,
  "images" | "source" | "groups" | "taps" | "stride" | "dilation" | "padding" | "grid"
>;

/** Dense [images, height, width, channels] in scratch memory. */
export interface StagedRegion {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly bytes: number;
}

/** The region that `images` × `rows` rows of the grid need. */
export function stagedRegion(product: StagingGeometry, images: number, rows: number): StagedRegion {
  const { taps, stride, dilation, grid } = product;
  const height = (rows - 1) * stride[0] + (taps[0] - 1) * dilation[0] + 1;
  const width = (grid[1] - 1) * stride[1] + (taps[1] - 1) * dilation[1] + 1;
  const channels = product.source.channels / product.groups;
  return { height, width, channels, bytes: images * height * width * channels * 4 };
}

/** Writes the code of the copy; `image` and `row` are the first of the block. */
export function emitStaging(
  f: FunctionBuilder,
  module: KernelModule,
  product: StagingGeometry,
  staged: StagedRegion,
  block: {
    readonly source: Local;
    readonly target: Local;
    readonly image: Local;
    readonly images: Local;
    readonly row: Local;
    readonly group: Local;
  },
): void {
  const { source, stride, padding } = product;
  const pixelBytes = staged.channels * 4;
  const left = Math.min(staged.width, Math.max(0, padding[1]));
  const right = Math.max(left, Math.min(staged.width, source.width + padding[1]));
  const copy = copyPixels(module);
  const zero = fillZeros(module);
  const [image, row, from, to] = f.locals("i32", 4) as [Local, Local, Local, Local];
  const zeros = (pixels: number): void => {
    if (pixels === 0) return;
    f.get(to)
      .i32(pixels * pixelBytes)
      .call(zero);
    f.increment(to, pixels * pixelBytes);
  };
  f.get(block.target).set(to);
  f.for(image, 0, block.images, 1, () => {
    f.for(row, 0, staged.height, 1, () => {
      // Row of the source; as an unsigned number it is too large above the source, too.
      f.get(block.row).i32(stride[0]).op("i32.mul").get(row).op("i32.add");
      f.i32(padding[0]).op("i32.sub").tee(from);
      f.i32(right > left ? source.height : 0).op("i32.lt_u");
      f.if(
        () => {
          zeros(left);
          const step = source.channels * 4;
          f.get(image).get(block.image).op("i32.add").i32(source.height).op("i32.mul");
          f.get(from)
            .op("i32.add")
            .i32(source.width * step)
            .op("i32.mul");
          f.i32((left - padding[1]) * step).op("i32.add");
          f.get(block.group).i32(pixelBytes).op("i32.mul").op("i32.add");
          f.get(block.source).op("i32.add").set(from);
          f.get(to).get(from);
          if (product.groups === 1)
            f.i32(1)
              .i32((right - left) * staged.channels)
              .i32(0);
          else
            f.i32(right - left)
              .i32(staged.channels)
              .i32(step);
          f.call(copy);
          f.increment(to, (right - left) * pixelBytes);
          zeros(staged.width - right);
        },
        () => zeros(staged.width),
      );
    });
  });
  f.release(image, row, from, to);
}

/** Shared function (to, from, pixels, floats, fromStep) → (): copies runs of floats and packs them. */
export function copyPixels(module: KernelModule): number {
  return module.shared("copyPixels", (builder) =>
    builder.function(["i32", "i32", "i32", "i32", "i32"], [], (f) => {
      const [to, from, pixels, floats, step] = [0, 1, 2, 3, 4].map((i) => f.parameter(i)) as [
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
      const [left, at] = f.locals("i32", 2) as [Local, Local];
      f.loop((nextPixel) => {
        f.get(from).set(at);
        f.get(floats).set(left);
        for (const vectors of [4, 1]) {
          f.block((done) => {
            f.loop((again) => {
              f.get(left)
                .i32(vectors * 4)
                .op("i32.lt_s")
                .branchIf(done);
              for (let i = 0; i < vectors; i++) {
                f.get(to)
                  .get(at)
                  .memory("v128.load", i * 16)
                  .memory("v128.store", i * 16);
              }
              f.increment(to, vectors * 16);
              f.increment(at, vectors * 16);
              f.increment(left, -vectors * 4).branch(again);
            });
          });
        }
        f.block((done) => {
          f.loop((again) => {
            f.get(left).op("i32.eqz").branchIf(done);
            f.get(to).get(at).memory("f32.load").memory("f32.store");
            f.increment(to, 4);
            f.increment(at, 4);
            f.increment(left, -1).branch(again);
          });
        });
        f.increment(from, step);
        f.get(pixels).i32(1).op("i32.sub").tee(pixels).branchIf(nextPixel);
      });
    }),
  );
}

/** Shared function (to, bytes) → (): zeros; `bytes` is a multiple of 4. */
export function fillZeros(module: KernelModule): number {
  return module.shared("fillZeros", (builder) =>
    builder.function(["i32", "i32"], [], (f) => {
      const to = f.parameter(0);
      const bytes = f.parameter(1);
      f.block((done) => {
        f.loop((again) => {
          f.get(bytes).i32(16).op("i32.lt_s").branchIf(done);
          f.get(to).f32x4(0).memory("v128.store");
          f.increment(to, 16);
          f.increment(bytes, -16).branch(again);
        });
      });
      f.block((done) => {
        f.loop((again) => {
          f.get(bytes).op("i32.eqz").branchIf(done);
          f.get(to).f32(0).memory("f32.store");
          f.increment(to, 4);
          f.increment(bytes, -4).branch(again);
        });
      });
    }),
  );
}
