import { wasm } from "../../src/backends/wasm/backend.ts";
import { createNet } from "../../src/models/index.ts";
import { syntheticWork } from "../../src/train/syntheticWork.ts";
import { type StepTimes, timeSteps } from "./stepClock.ts";

/** What the page is asked to time. */
export interface PageRequest {
  readonly net: string;
  readonly variant: string;
  readonly classes: number;
  /** `[C, H, W]`. */
  readonly input: readonly [number, number, number];
  readonly mode: "train" | "infer";
  readonly batch: number;
  readonly threads: number;
  readonly seconds: number;
}

declare global {
  var timeWork: (request: PageRequest) => Promise<StepTimes & { readonly backend: string }>;
}

globalThis.timeWork = async (request) => {
  const { variant, classes, input, mode, batch, threads, seconds } = request;
  const net = createNet(request.net, { variant, classes, input });
  const backend = wasm({ threads });
  const session = await backend.open();
  const work = await syntheticWork({ net, mode, batch, seed: 0, session });
  let index = 0;
  const times = await timeSteps(() => work.step(index++), seconds * 1000);
  await session.close();
  return { ...times, backend: `${backend.name}: ${backend.description}` };
};
