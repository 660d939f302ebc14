/**
 * Small maps under kernels with padding: most taps of most pixels see nothing but zeros. Of a 3x3 kernel on 2x2 pixels 16
 * of 36 pairs of pixel and tap see the image, on a single pixel 1 of 9. Pixels that see the same taps are a product of
 * their own over those taps alone.
 */
import type { Conv2dGeometry } from "./conv2dGeometry.ts";
import { resultSize } from "./conv2dGeometry.ts";

/** Neighbouring pixels of a result along an axis, and the taps, side by side, that see the source from them. */
export interface AxisPart {
  readonly first: number;
  readonly count: number;
  readonly firstTap: number;
  readonly tapCount: number;
}

/** How a kernel passes over a source along an axis: `position = pixel · stride + tap · dilation − padding`. */
export interface AxisWalk {
  readonly pixels: number;
  readonly source: number;
  readonly taps: number;
  readonly stride: number;
  readonly dilation: number;
  readonly padding: number;
}

/** Cuts the pixels of an axis wherever the taps that see the source change. */
export function axisParts(walk: AxisWalk): AxisPart[] {
  const parts: { first: number; count: number; firstTap: number; tapCount: number }[] = [];
  for (let pixel = 0; pixel < walk.pixels; pixel++) {
    const sees = Array.from({ length: walk.taps }, (_, tap) => {
      const position = pixel * walk.stride + tap * walk.dilation - walk.padding;
      return position >= 0 && position < walk.source;
    });
    const tapCount = sees.filter(Boolean).length;
    const firstTap = Math.max(0, sees.indexOf(true));
    const last = parts.at(-1);
    if (last?.firstTap === firstTap && last.tapCount === tapCount) last.count++;
    else parts.push({ first: pixel, count: 1, firstTap, tapCount });
  }
  return parts;
}

/** Pairs of pixel and tap along an axis that see the source. */
export function seenPairs(parts: readonly AxisPart[]): number {
  return parts.reduce((sum, { count, tapCount }) => sum + count * tapCount, 0);
}

/** Share of the pairs that see the image, up to which leaving out the others pays for smaller products. */
const largestShare = 0.65;

/**
 * Whether to leave out the pairs that see nothing; axes as they are walked in one direction of a convolution. A pixel that no
 * tap sees keeps the products whole, which give it its zero.
 */
export function leavesOut(vertical: AxisWalk, horizontal: AxisWalk): boolean {
  const [down, across] = [axisParts(vertical), axisParts(horizontal)];
  if ([...down, ...across].some(({ tapCount }) => tapCount === 0)) return false;
  const pairs = vertical.pixels * vertical.taps * horizontal.pixels * horizontal.taps;
  return seenPairs(down) * seenPairs(across) <= largestShare * pairs;
}

/** The axes of a convolution, walked by the pixels of its result. */
export function forwardWalks(geometry: Conv2dGeometry): [AxisWalk, AxisWalk] {
  const { size, kernel, stride, dilation, padding } = geometry;
  const result = resultSize(geometry);
  const walk = (axis: 0 | 1): AxisWalk => ({
    pixels: result[axis],
    source: size[axis],
    taps: kernel[axis],
    stride: stride[axis],
    dilation: dilation[axis],
    padding: padding[axis],
  });
  return [walk(0), walk(1)];
}

/**
 * Multiply-adds of a convolution for an image, a channel and a filter, and taps packed for all its products, as the direct
 * method computes it; of all three directions, whose pairs are the same.
 */
export function directPairs(geometry: Conv2dGeometry): { pairs: number; packedTaps: number } {
  const [vertical, horizontal] = forwardWalks(geometry);
  const taps = geometry.kernel[0] * geometry.kernel[1];
  if (!leavesOut(vertical, horizontal)) {
    return { pairs: vertical.pixels * horizontal.pixels * taps, packedTaps: taps };
  }
  const packed = (walk: AxisWalk) =>
    axisParts(walk).reduce((sum, { tapCount }) => sum + tapCount, 0);
  return {
    pairs: seenPairs(axisParts(vertical)) * seenPairs(axisParts(horizontal)),
    packedTaps: packed(vertical) * packed(horizontal),
  };
}
