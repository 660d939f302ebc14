import { adam, createModel, evaluate, train, wasm } from "striate";
import { memoryBatches } from "striate/data";

/** 32x32 grey images (28x28 with a black border), as LeNet-5 takes them, and their digits. */
export interface Digits {
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
}

export interface LenetResult {
  readonly backend: string;
  /** SHA-256 of all weights in the order of declaration. */
  readonly sha256: string;
  readonly accuracy: number;
  readonly seconds: number;
}

const digits = Array.from({ length: 10 }, (_, digit) => String(digit));

/** Trains LeNet-5 with Adam and evaluates it; the same function runs in Node and on a page. */
export async function trainLenet(
  parts: { readonly train: Digits; readonly test: Digits },
  options: { readonly epochs: number; readonly threads?: number; readonly seed: number },
): Promise<LenetResult> {
  const { epochs, threads, seed } = options;
  const backend = wasm(threads === undefined ? {} : { threads });
  const shape = { width: 32, height: 32, channels: 1, classes: digits } as const;
  const model = createModel("lenet5", { classes: digits, seed });
  const begun = performance.now();
  const { model: trained } = await train(model, {
    train: memoryBatches({ ...parts.train, ...shape }, { batchSize: 64, phase: "train", seed }),
    epochs,
    optimizer: adam({ lr: 0.001 }),
    seed,
    backend,
  });
  const seconds = (performance.now() - begun) / 1000;
  const test = memoryBatches({ ...parts.test, ...shape }, { batchSize: 500, phase: "eval", seed });
  const { accuracy } = await evaluate(trained, test, backend);
  const arrays = [...trained.weights.values()].map(({ data }) => data);
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const sha256 = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { backend: backend.description, sha256, accuracy, seconds };
}
