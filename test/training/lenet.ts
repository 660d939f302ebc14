import { gradients } from "../../src/autodiff/backward.ts";
import { RandomStream } from "../../src/core/random.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { relu } from "../../src/layers/activation.ts";
import { conv2d } from "../../src/layers/conv2d.ts";
import { buildNet, initialize, type Layer } from "../../src/layers/layer.ts";
import { linear } from "../../src/layers/linear.ts";
import { maxPool2d } from "../../src/layers/pooling.ts";
import { flatten, sequential } from "../../src/layers/structure.ts";
import { crossEntropy } from "../../src/losses/crossEntropy.ts";
import { adam } from "../../src/optim/adam.ts";
import { applyOptimizer } from "../../src/optim/applyOptimizer.ts";
import type { Backend } from "../../src/plan/backend.ts";

/** LeNet-5 with relu and max pooling, for 28x28 images padded to 32x32. */
export function lenet(): Layer {
  return sequential([
    conv2d({ channels: 6, kernel: 5, padding: 2 }),
    relu(),
    maxPool2d({ kernel: 2 }),
    conv2d({ channels: 16, kernel: 5 }),
    relu(),
    maxPool2d({ kernel: 2 }),
    flatten(),
    linear({ features: 120 }),
    relu(),
    linear({ features: 84 }),
    relu(),
    linear({ features: 10 }),
  ]);
}

export interface TrainedLenet {
  readonly losses: readonly number[];
  /** SHA-256 of all weights in the order of declaration. */
  readonly sha256: string;
}

/**
 * Trains LeNet-5 on bytes 28x28 with the least machinery: the same function runs in Node and on a page, so that
 * their bits can be compared.
 */
export async function trainLenet(
  backend: Backend,
  data: { readonly images: Uint8Array; readonly labels: Uint8Array },
  options: { readonly steps: number; readonly batch: number; readonly seed: number },
): Promise<TrainedLenet> {
  const { steps, batch, seed } = options;
  const builder = new GraphBuilder();
  const pixels = builder.input("images", [batch, 1, 28, 28]);
  const labels = builder.input("labels", [batch], "int32");
  const net = buildNet(lenet(), { builder, input: pixels, training: true });
  const loss = crossEntropy(net.output, labels);
  const slopes = gradients(
    loss,
    net.parameters.map(({ value }) => value),
  );
  applyOptimizer(
    builder,
    adam({ lr: 0.001 }),
    net.parameters.map(({ name, value }, i) => ({ name, value, gradient: slopes[i]! })),
    { lr: builder.input("lr", []) },
  );
  builder.output("loss", loss);

  const session = await backend.open();
  try {
    const program = await session.compile(builder.finish());
    for (const [name, numbers] of Object.entries(initialize(net.parameters, seed))) {
      await session.write(name, numbers);
    }
    const count = data.labels.length;
    const order = new RandomStream(seed, "shuffle").permutation(count);
    const losses: number[] = [];
    const lr = Float32Array.of(0.001);
    for (let step = 0; step < steps; step++) {
      const x = new Float32Array(batch * 784);
      const t = new Int32Array(batch);
      for (let i = 0; i < batch; i++) {
        const image = order[(step * batch + i) % count]!;
        t[i] = data.labels[image]!;
        for (let p = 0; p < 784; p++) x[i * 784 + p] = data.images[image * 784 + p]! / 255;
      }
      const result = await program.run({ images: x, labels: t, lr });
      losses.push(result.loss![0]!);
    }
    const parts: Uint8Array[] = [];
    for (const { name } of net.parameters) {
      parts.push(new Uint8Array((await session.read(name)).buffer as ArrayBuffer));
    }
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      bytes.set(part, offset);
      offset += part.length;
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return { losses, sha256: [...digest].map((b) => b.toString(16).padStart(2, "0")).join("") };
  } finally {
    await session.close();
  }
}

/** Digits of a kind, when no real ones are at hand: each class is a bar of its own angle, with noise. */
export function syntheticDigits(count: number): { images: Uint8Array; labels: Uint8Array } {
  const stream = new RandomStream(1, "synthetic digits");
  const images = new Uint8Array(count * 784);
  const labels = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const label = n % 10;
    labels[n] = label;
    const angle = (label * Math.PI) / 10;
    const [nx, ny] = [-Math.sin(angle), Math.cos(angle)];
    const shift = 4 * stream.uniform() - 2;
    for (let y = 0; y < 28; y++) {
      for (let x = 0; x < 28; x++) {
        const distance = Math.abs(nx * (x - 13.5) + ny * (y - 13.5) - shift);
        const ink = distance < 2.5 ? 200 : 0;
        images[n * 784 + y * 28 + x] = Math.min(255, ink + Math.floor(55 * stream.uniform()));
      }
    }
  }
  return { images, labels };
}
