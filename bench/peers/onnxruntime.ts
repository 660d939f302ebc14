// Throughput of onnxruntime-node on an ONNX file; started by bench/run.ts, which installs the package and makes the file.
// Prints one line in the form of `striate bench --json`.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cache } from "../cache.ts";
import { timeSteps } from "./timeSteps.ts";

/** What is used of the package, whose types are not here when it is not. */
interface Runtime {
  readonly InferenceSession: {
    create(file: string, options: object): Promise<InferenceSession>;
  };
  readonly Tensor: new (type: "float32", data: Float32Array, shape: readonly number[]) => object;
}
interface InferenceSession {
  readonly inputNames: readonly string[];
  run(feeds: Record<string, object>): Promise<object>;
}

await timeSteps("onnxruntime", ["file"], async ({ batch, input, threads, values }) => {
  const require = createRequire(join(cache, "package.json"));
  const { InferenceSession, Tensor } = require("onnxruntime-node") as Runtime;
  const manifest = join(cache, "node_modules/onnxruntime-node/package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  const session = await InferenceSession.create(values.file!, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: "all",
  });
  const [height, width, channels] = input;
  const data = Float32Array.from({ length: batch * channels * height * width }, () =>
    Math.random(),
  );
  const feeds = {
    [session.inputNames[0]!]: new Tensor("float32", data, [batch, channels, height, width]),
  };
  return {
    backend: `onnxruntime-node ${version}, CPU provider`,
    step: async () => void (await session.run(feeds)),
  };
});
