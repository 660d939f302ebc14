// Throughput of onnxruntime-node on an ONNX file; started by bench/run.ts, which installs the package and makes the file.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { cache } from "../cache.ts";
import { answer, readRequest } from "./request.ts";
import { timeSteps } from "./stepClock.ts";

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

const request = readRequest(["file"]);
const require = createRequire(join(cache, "package.json"));
const { InferenceSession, Tensor } = require("onnxruntime-node") as Runtime;
const manifest = join(cache, "node_modules/onnxruntime-node/package.json");
const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
const session = await InferenceSession.create(request.values.file!, {
  intraOpNumThreads: request.threads,
  interOpNumThreads: 1,
  graphOptimizationLevel: "all",
});
const [height, width, channels] = request.input;
const count = request.batch * channels * height * width;
const data = Float32Array.from({ length: count }, () => Math.random());
const feeds = {
  [session.inputNames[0]!]: new Tensor("float32", data, [request.batch, channels, height, width]),
};
const times = await timeSteps(async () => {
  await session.run(feeds);
}, request.seconds * 1000);
answer("onnxruntime", request, times, `onnxruntime-node ${version}, CPU provider`);
process.exit(0);
