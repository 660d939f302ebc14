/** The distinct convolutions of the nets whose speed is measured, at the sizes and batches of `docs/kernels.md`. */
import type { Conv2dGeometry } from "../../src/backends/wasm/kernels/conv2dGeometry.ts";

export interface Layer {
  readonly net: string;
  readonly geometry: Conv2dGeometry;
}

type Row = readonly [
  size: number,
  channels: number,
  filters: number,
  kernel: number,
  stride: number,
  padding: number,
  groups?: number,
];

const nets: Readonly<Record<string, { readonly batch: number; readonly rows: readonly Row[] }>> = {
  lenet: {
    batch: 64,
    rows: [
      [32, 1, 6, 5, 1, 0],
      [14, 6, 16, 5, 1, 0],
      [5, 16, 120, 5, 1, 0],
    ],
  },
  resnet20: {
    batch: 64,
    rows: [
      [32, 3, 16, 3, 1, 1],
      [32, 16, 16, 3, 1, 1],
      [32, 16, 32, 3, 2, 1],
      [16, 32, 32, 3, 1, 1],
      [16, 32, 64, 3, 2, 1],
      [8, 64, 64, 3, 1, 1],
    ],
  },
  resnet18: {
    batch: 32,
    rows: [
      [64, 3, 64, 7, 2, 3],
      [16, 64, 64, 3, 1, 1],
      [16, 64, 128, 3, 2, 1],
      [16, 64, 128, 1, 2, 0],
      [8, 128, 128, 3, 1, 1],
      [8, 128, 256, 3, 2, 1],
      [8, 128, 256, 1, 2, 0],
      [4, 256, 256, 3, 1, 1],
      [4, 256, 512, 3, 2, 1],
      [4, 256, 512, 1, 2, 0],
      [2, 512, 512, 3, 1, 1],
    ],
  },
  vgg16: {
    batch: 16,
    rows: [
      [64, 3, 64, 3, 1, 1],
      [64, 64, 64, 3, 1, 1],
      [32, 64, 128, 3, 1, 1],
      [32, 128, 128, 3, 1, 1],
      [16, 128, 256, 3, 1, 1],
      [16, 256, 256, 3, 1, 1],
      [8, 256, 512, 3, 1, 1],
      [8, 512, 512, 3, 1, 1],
      [4, 512, 512, 3, 1, 1],
    ],
  },
  mobilenet: {
    batch: 32,
    rows: [
      [64, 3, 32, 3, 2, 1],
      [32, 32, 32, 3, 1, 1, 32],
      [32, 32, 64, 1, 1, 0],
      [32, 64, 64, 3, 2, 1, 64],
      [16, 64, 128, 1, 1, 0],
      [16, 128, 128, 3, 1, 1, 128],
      [16, 128, 128, 1, 1, 0],
      [16, 128, 128, 3, 2, 1, 128],
      [8, 128, 256, 1, 1, 0],
      [8, 256, 256, 3, 1, 1, 256],
      [8, 256, 256, 1, 1, 0],
      [8, 256, 256, 3, 2, 1, 256],
      [4, 256, 512, 1, 1, 0],
      [4, 512, 512, 3, 1, 1, 512],
      [4, 512, 512, 1, 1, 0],
      [4, 512, 512, 3, 2, 1, 512],
      [2, 512, 1024, 1, 1, 0],
      [2, 1024, 1024, 3, 1, 1, 1024],
      [2, 1024, 1024, 1, 1, 0],
    ],
  },
  alexnet: {
    batch: 8,
    rows: [
      [227, 3, 96, 11, 4, 0],
      [27, 96, 256, 5, 1, 2],
      [27, 96, 256, 5, 1, 2, 2],
      [13, 256, 384, 3, 1, 1],
      [13, 384, 384, 3, 1, 1],
      [13, 384, 384, 3, 1, 1, 2],
      [13, 384, 256, 3, 1, 1],
    ],
  },
  nin: {
    batch: 16,
    rows: [[16, 96, 192, 5, 1, 2]],
  },
  googlenet: {
    batch: 1,
    rows: [
      [28, 16, 32, 5, 1, 2],
      [28, 32, 96, 5, 1, 2],
      [14, 16, 48, 5, 1, 2],
      [14, 32, 128, 5, 1, 2],
      [7, 48, 128, 5, 1, 2],
    ],
  },
  squeezenet: {
    batch: 1,
    rows: [
      [224, 3, 64, 3, 2, 0],
      [55, 64, 16, 1, 1, 0],
      [55, 16, 64, 1, 1, 0],
      [55, 16, 64, 3, 1, 1],
      [27, 128, 32, 1, 1, 0],
      [27, 32, 128, 1, 1, 0],
      [27, 32, 128, 3, 1, 1],
      [13, 256, 48, 1, 1, 0],
      [13, 48, 192, 3, 1, 1],
      [13, 64, 256, 3, 1, 1],
      [13, 512, 1000, 1, 1, 0],
    ],
  },
  resnet18at224: {
    batch: 1,
    rows: [
      [224, 3, 64, 7, 2, 3],
      [56, 64, 64, 3, 1, 1],
      [56, 64, 128, 3, 2, 1],
      [28, 128, 128, 3, 1, 1],
      [14, 256, 256, 3, 1, 1],
      [7, 512, 512, 3, 1, 1],
    ],
  },
};

export const layers: readonly Layer[] = Object.entries(nets).flatMap(([net, { batch, rows }]) =>
  rows.map(([size, channels, filters, kernel, stride, padding, groups = 1]) => ({
    net,
    geometry: {
      images: batch,
      channels,
      size: [size, size] as const,
      filters,
      kernel: [kernel, kernel] as const,
      stride: [stride, stride] as const,
      padding: [padding, padding, padding, padding] as const,
      dilation: [1, 1] as const,
      groups,
    },
  })),
);

/** Matrix products: rows, columns, depth, transposeA, transposeB. */
export const products: readonly (readonly [number, number, number, boolean, boolean])[] = [
  [1024, 1024, 1024, false, false],
  [1000, 1000, 1000, false, true],
  [1024, 1024, 1024, true, false],
  [512, 512, 512, false, false],
  [64, 84, 120, false, true],
  [64, 10, 84, false, true],
  [16, 4096, 2048, false, true],
  [16, 2048, 4096, false, false],
  [4096, 2048, 16, true, false],
  [8, 4096, 9216, false, true],
  [1, 1000, 512, false, true],
];
