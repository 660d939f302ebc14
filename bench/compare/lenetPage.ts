// The page of bench/compare/lenet.ts: trains on the digits that its server has.
import { type LenetResult, trainLenet } from "./lenetTraining.ts";

declare global {
  var trainOnDigits: (epochs: number, seed: number) => Promise<LenetResult>;
}

async function load(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(path)).arrayBuffer());
}

globalThis.trainOnDigits = async (epochs, seed) => {
  const part = async (name: string) => ({
    pixels: await load(`/${name}-pixels.bin`),
    labels: await load(`/${name}-labels.bin`),
  });
  return trainLenet({ train: await part("train"), test: await part("test") }, { epochs, seed });
};
