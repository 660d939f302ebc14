/** The nets of the benchmark in the words of any array library: what the peers in JavaScript build. */

/** What a library must offer. Tensors are N, H, W, C; every call with weights makes its own, in order. */
export interface Words<T> {
  conv(x: T, filters: number, kernel: number, stride: number, pad: number, bias: boolean): T;
  depthwise(x: T, kernel: number, stride: number, pad: number): T;
  batchNorm(x: T): T;
  relu(x: T): T;
  maxPool(x: T, kernel: number, stride: number, pad: number): T;
  /** Local response normalisation over 5 channels, alpha 1e-4 each, beta 0.75, k 2. */
  normalizeResponse(x: T): T;
  /** Mean over all pixels: N, C. */
  meanOfPixels(x: T): T;
  /** Average pooling to 7x7. */
  averageTo7(x: T): T;
  flatten(x: T): T;
  linear(x: T, features: number): T;
  add(x: T, y: T): T;
  /** Every second pixel, channels filled up with zeros on both sides (shortcut A). */
  subsample(x: T, channels: number): T;
  /** Channels of x one after those of y. */
  concat(x: T, y: T): T;
}

type NetOf = <T>(w: Words<T>, x: T, classes: number) => T;

const lenet5: NetOf = (w, x, classes) => {
  const first = w.maxPool(w.relu(w.conv(x, 6, 5, 1, 0, true)), 2, 2, 0);
  const second = w.maxPool(w.relu(w.conv(first, 16, 5, 1, 0, true)), 2, 2, 0);
  const hidden = w.relu(w.linear(w.relu(w.linear(w.flatten(second), 120)), 84));
  return w.linear(hidden, classes);
};

const resnet20: NetOf = (w, x, classes) => {
  let y = w.relu(w.batchNorm(w.conv(x, 16, 3, 1, 1, false)));
  for (const channels of [16, 32, 64]) {
    for (let block = 0; block < 3; block++) {
      const shrinks = channels > 16 && block === 0;
      const shortcut = shrinks ? w.subsample(y, channels) : y;
      const inner = w.relu(w.batchNorm(w.conv(y, channels, 3, shrinks ? 2 : 1, 1, false)));
      y = w.relu(w.add(w.batchNorm(w.conv(inner, channels, 3, 1, 1, false)), shortcut));
    }
  }
  return w.linear(w.meanOfPixels(y), classes);
};

const vgg16: NetOf = (w, x, classes) => {
  let y = x;
  for (const [channels, layers] of [
    [64, 2],
    [128, 2],
    [256, 3],
    [512, 3],
    [512, 3],
  ] as const) {
    for (let i = 0; i < layers; i++) y = w.relu(w.conv(y, channels, 3, 1, 1, true));
    y = w.maxPool(y, 2, 2, 0);
  }
  y = w.flatten(w.averageTo7(y));
  return w.linear(w.relu(w.linear(w.relu(w.linear(y, 4096)), 4096)), classes);
};

const resnet18: NetOf = (w, x, classes) => {
  let y = w.maxPool(w.relu(w.batchNorm(w.conv(x, 64, 7, 2, 3, false))), 3, 2, 1);
  for (const channels of [64, 128, 256, 512]) {
    for (let block = 0; block < 2; block++) {
      const stride = channels > 64 && block === 0 ? 2 : 1;
      const shortcut = stride === 2 ? w.batchNorm(w.conv(y, channels, 1, 2, 0, false)) : y;
      const inner = w.relu(w.batchNorm(w.conv(y, channels, 3, stride, 1, false)));
      y = w.relu(w.add(w.batchNorm(w.conv(inner, channels, 3, 1, 1, false)), shortcut));
    }
  }
  return w.linear(w.meanOfPixels(y), classes);
};

const mobilenetV1: NetOf = (w, x, classes) => {
  let y = w.relu(w.batchNorm(w.conv(x, 32, 3, 2, 1, false)));
  for (const [channels, stride] of [
    ...[[64, 1] as const, [128, 2] as const, [128, 1] as const, [256, 2] as const],
    ...[[256, 1] as const, [512, 2] as const],
    ...Array.from({ length: 5 }, () => [512, 1] as const),
    ...[[1024, 2] as const, [1024, 1] as const],
  ]) {
    y = w.relu(w.batchNorm(w.depthwise(y, 3, stride, 1)));
    y = w.relu(w.batchNorm(w.conv(y, channels, 1, 1, 0, false)));
  }
  return w.linear(w.meanOfPixels(y), classes);
};

const alexnet: NetOf = (w, x, classes) => {
  let y = w.normalizeResponse(w.maxPool(w.relu(w.conv(x, 96, 11, 4, 0, true)), 3, 2, 0));
  y = w.normalizeResponse(w.maxPool(w.relu(w.conv(y, 256, 5, 1, 2, true)), 3, 2, 0));
  y = w.relu(w.conv(w.relu(w.conv(y, 384, 3, 1, 1, true)), 384, 3, 1, 1, true));
  y = w.flatten(w.maxPool(w.relu(w.conv(y, 256, 3, 1, 1, true)), 3, 2, 0));
  return w.linear(w.relu(w.linear(w.relu(w.linear(y, 4096)), 4096)), classes);
};

const squeezenet: NetOf = (w, x, classes) => {
  let y = w.maxPool(w.relu(w.conv(x, 64, 3, 2, 0, true)), 3, 2, 0);
  for (const [squeeze, expand, pools] of [
    [16, 64, false],
    [16, 64, true],
    [32, 128, false],
    [32, 128, true],
    [48, 192, false],
    [48, 192, false],
    [64, 256, false],
    [64, 256, false],
  ] as const) {
    const narrow = w.relu(w.conv(y, squeeze, 1, 1, 0, true));
    const wide = w.relu(w.conv(narrow, expand, 3, 1, 1, true));
    y = w.concat(w.relu(w.conv(narrow, expand, 1, 1, 0, true)), wide);
    if (pools) y = w.maxPool(y, 3, 2, 0);
  }
  return w.meanOfPixels(w.relu(w.conv(y, classes, 1, 1, 0, true)));
};

export const nets: { readonly [net: string]: NetOf } = {
  lenet5,
  resnet20,
  vgg16,
  resnet18,
  mobilenet_v1: mobilenetV1,
  alexnet,
  squeezenet,
};
