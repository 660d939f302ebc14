import { wasm } from "../../src/backends/wasm/backend.ts";
import { syntheticDigits, trainLenet } from "../training/lenet.ts";

declare global {
  var trainOnPage: (
    steps: number,
  ) => Promise<{ description: string; sha256: string; losses: readonly number[] }>;
}

globalThis.trainOnPage = async (steps) => {
  const backend = wasm();
  const trained = await trainLenet(backend, syntheticDigits(640), { steps, batch: 32, seed: 7 });
  return { description: backend.description, ...trained };
};
