import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel, KernelModule } from "../kernel.ts";
import { type Conv2dGeometry, geometryKey, resultSize } from "./conv2dGeometry.ts";
import { emitMinimum } from "./gemm.ts";
import { fillZeros } from "./gemmStaging.ts";
import { emitItemRanges } from "./itemRanges.ts";
import { patchPanel, pixelBlockBytes, pixelFields } from "./microKernel.ts";
import { columnPanels } from "./packing.ts";
import { directPairs, forwardWalks, leavesOut } from "./seenTaps.ts";

/** Pixels of one chain of multiply-adds, at most. */
const mostPixels = 256;
/** Filters of a work item: two tiles, so that few rows of dw, a page or more apart, are written at a time. */
const filtersPerItem = 12;

/** The pixels of a result, side by side in an axis, from which a tap sees the source. */
interface Reach {
  readonly first: number;
  readonly count: number;
  /** Position in the source that the tap sees from the first of them. */
  readonly from: number;
}

/** Whether the gradient of the weights is computed tap by tap from the pixels that see the image. */
export function sumsSeenPixels(geometry: Conv2dGeometry): boolean {
  const { groups, channels } = geometry;
  return groups === 1 && channels % 4 === 0 && leavesOut(...forwardWalks(geometry));
}

/**
 * Gradient of a convolution with respect to its weight for small maps, where most taps of most pixels see only padding: `x`
 * [N, H, W, C], `dy` [N, P, Q, K], `dw` [K, R, S, C]. Each tap is a sum over the pixels that see the image from it, read where
 * they lie; a tap that sees the image from nowhere is zero. A chain takes whole images, up to 256 pixels.
 *
 * A work item is a tap times a range of filters.
 */
export function seenPixelsKernel(geometry: Conv2dGeometry, features: Features): Kernel {
  const { channels, filters, kernel, images } = geometry;
  const filterBlocks = Math.ceil(filters / filtersPerItem);
  const reach = [0, 1].map((axis) => reachOf(geometry, axis as 0 | 1)) as [Reach[], Reach[]];
  const taps = reach[0].flatMap((rows) => reach[1].map((columns) => ({ rows, columns })));
  return {
    key: `conv2dWeightGradient seen ${geometryKey(geometry)}`,
    buffers: 3,
    items: kernel[0] * kernel[1] * filterBlocks,
    scratchBytes: Math.ceil(pixelBlockBytes / 64) * 64,
    flops: 2 * images * channels * filters * directPairs(geometry).pairs,
    emit(f, io, module) {
      const [x, dy, dw] = io.address as [Local, Local, Local];
      const counts = taps.map(() => filterBlocks);
      emitItemRanges(f, io, counts, (tap, { begin, end }) => {
        const [item, result, count] = f.locals("i32", 3) as [Local, Local, Local];
        f.for(item, begin, end, 1, () => {
          f.i32(filtersPerItem).set(count);
          emitMinimum(f, count, () =>
            f.i32(filters).get(item).i32(filtersPerItem).op("i32.mul").op("i32.sub"),
          );
          f.get(dw).get(item);
          f.i32(filtersPerItem * taps.length * channels * 4)
            .op("i32.mul")
            .op("i32.add");
          f.i32(tap * channels * 4)
            .op("i32.add")
            .set(result);
          const operands = { x, dy, scratch: io.scratch, item, result, count };
          emitTap(f, module, geometry, features, taps[tap]!, operands);
        });
        f.release(item, result, count);
      });
    },
  };
}

function reachOf(geometry: Conv2dGeometry, axis: 0 | 1): Reach[] {
  const { source, taps, pixels, stride, dilation, padding } = forwardWalks(geometry)[axis];
  return Array.from({ length: taps }, (_, tap) => {
    const position = (pixel: number): number => pixel * stride + tap * dilation - padding;
    const seeing = Array.from({ length: pixels }, (_, pixel) => pixel).filter(
      (pixel) => position(pixel) >= 0 && position(pixel) < source,
    );
    const first = seeing[0] ?? 0;
    return { first, count: seeing.length, from: position(first) };
  });
}

/** The filters of an item at one tap. */
function emitTap(
  f: FunctionBuilder,
  module: KernelModule,
  geometry: Conv2dGeometry,
  features: Features,
  { rows, columns }: { readonly rows: Reach; readonly columns: Reach },
  l: Readonly<Record<"x" | "dy" | "scratch" | "item" | "result" | "count", Local>>,
): void {
  const { images, channels, filters, size, stride, kernel } = geometry;
  const [resultRows, resultColumns] = resultSize(geometry);
  const filterStep = kernel[0] * kernel[1] * channels * 4;
  const pixels = rows.count * columns.count;
  if (pixels === 0) {
    f.loop((again) => {
      f.get(l.result)
        .i32(channels * 4)
        .call(fillZeros(module));
      f.increment(l.result, filterStep);
      f.get(l.count).i32(1).op("i32.sub").tee(l.count).branchIf(again);
    });
    return;
  }
  const xPixel = channels * 4;
  const yPixel = filters * 4;
  const xRow = size[1] * xPixel;
  const yRow = resultColumns * yPixel;
  const imagesPerChain = Math.min(images, Math.max(1, Math.floor(mostPixels / pixels)));
  const [image, chain, a, b] = f.locals("i32", 4) as [Local, Local, Local, Local];
  const store = (name: keyof typeof pixelFields, value: number | Local): void => {
    f.get(l.scratch).push(value).memory("i32.store", pixelFields[name]);
  };
  store("rows", rows.count);
  store("length", columns.count);
  store("aStep", yPixel);
  store("aRowJump", yRow - columns.count * yPixel);
  store("aImageJump", resultRows * yRow - rows.count * yRow);
  store("bStep", stride[1] * xPixel);
  store("bRowJump", stride[0] * xRow - columns.count * stride[1] * xPixel);
  store("bImageJump", size[0] * xRow - rows.count * stride[0] * xRow);
  store("accumulate", 0);
  f.for(image, 0, images, imagesPerChain, () => {
    f.i32(imagesPerChain).set(chain);
    emitMinimum(f, chain, () => f.i32(images).get(image).op("i32.sub"));
    store("images", chain);
    f.get(l.dy)
      .get(image)
      .i32(resultRows * yRow)
      .op("i32.mul")
      .op("i32.add");
    f.i32(rows.first * yRow + columns.first * yPixel).op("i32.add");
    f.get(l.item)
      .i32(filtersPerItem * 4)
      .op("i32.mul")
      .op("i32.add")
      .set(a);
    f.get(l.x)
      .get(image)
      .i32(size[0] * xRow)
      .op("i32.mul")
      .op("i32.add");
    f.i32(rows.from * xRow + columns.from * xPixel)
      .op("i32.add")
      .set(b);
    emitPanels(f, module, columnPanels(channels, features), { ...l, a, b, filterStep });
    store("accumulate", 1);
  });
  f.release(image, chain, a, b);
}

/** All columns of a chain: the channels of x. */
function emitPanels(
  f: FunctionBuilder,
  module: KernelModule,
  panels: ReturnType<typeof columnPanels>,
  l: Readonly<Record<"count" | "a" | "b" | "result" | "scratch", Local>> & {
    readonly filterStep: number;
  },
): void {
  const [left, to] = f.locals("i32", 2) as [Local, Local];
  const panel = (vectors: number): void => {
    f.get(l.count).get(l.a).get(l.b).get(to).i32(l.filterStep).get(l.scratch);
    f.call(patchPanel(module, vectors));
  };
  f.get(l.result).set(to);
  if (panels.full > 0) {
    f.for(left, 0, panels.full, 1, () => {
      panel(panels.vectors);
      f.increment(l.b, panels.vectors * 16);
      f.increment(to, panels.vectors * 16);
    });
  }
  if (panels.tailVectors > 0) panel(panels.tailVectors);
  f.release(left, to);
}
