/** The sizes of a convolution, shared by its three directions. */
export interface Conv2dGeometry {
  /** N */
  readonly images: number;
  /** C, of the convolution's input. */
  readonly channels: number;
  /** H, W of the convolution's input. */
  readonly size: readonly [number, number];
  /** K */
  readonly filters: number;
  /** R, S */
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  /** Zeros above, left of, below and right of the input. */
  readonly padding: readonly [number, number, number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;
}

/** P, Q: `floor((size + padding − dilation · (kernel − 1) − 1) / stride) + 1`. */
export function resultSize(geometry: Conv2dGeometry): [number, number] {
  const { size, kernel, stride, padding, dilation } = geometry;
  const along = (axis: 0 | 1): number =>
    Math.floor(
      (size[axis] + padding[axis] + padding[axis + 2]! - dilation[axis] * (kernel[axis] - 1) - 1) /
        stride[axis],
    ) + 1;
  return [along(0), along(1)];
}

/** Text that is equal for equal geometries only. */
export function geometryKey(geometry: Conv2dGeometry): string {
  const { images, channels, size, filters, kernel, stride, padding, dilation, groups } = geometry;
  return `${images}x${size.join("x")}x${channels} k${filters} ${kernel.join("x")} s${stride} p${padding} d${dilation} g${groups}`;
}
