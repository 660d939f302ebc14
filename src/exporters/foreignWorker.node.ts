import process from "node:process";
import type { io, Tensor } from "@tensorflow/tfjs-core";
import type { ForeignAnswer, ForeignTask } from "./foreignRuntime.ts";

export type ForeignReply =
  | { readonly kind: "answer"; readonly answer: ForeignAnswer }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly message: string };

const askers = { onnx: askOnnxRuntime, tfjs: askTensorflow } as const;

process.on("message", async (task: ForeignTask) => {
  process.send!(await reply(task));
});

async function reply(task: ForeignTask): Promise<ForeignReply> {
  try {
    return { kind: "answer", answer: await askers[task.runtime](task) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The packages are too large to be required.
    if (code === "ERR_MODULE_NOT_FOUND") return { kind: "absent" };
    return { kind: "failed", message };
  }
}

async function askOnnxRuntime(task: ForeignTask): Promise<ForeignAnswer> {
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web");
  // Its threads wait by spinning, which slows everything else on a busy machine.
  env.wasm.numThreads = 1;
  const [model] = task.files.values();
  const session = await InferenceSession.create(model!);
  try {
    const feeds = Object.entries(task.inputs).map(([name, { data, shape }]) => {
      const tensor =
        data instanceof Uint8Array
          ? new Tensor("uint8", data, shape)
          : new Tensor("float32", data, shape);
      return [name, tensor] as const;
    });
    const results = await session.run(Object.fromEntries(feeds), [task.output]);
    const output = results[task.output]!;
    return {
      data: (await output.getData()) as Float32Array,
      shape: output.dims,
      program: `ONNX Runtime ${env.versions.common} (onnxruntime-web)`,
    };
  } finally {
    await session.release();
  }
}

async function askTensorflow(task: ForeignTask): Promise<ForeignAnswer> {
  const tf = await import("@tensorflow/tfjs-core");
  const { loadLayersModel } = await import("@tensorflow/tfjs-layers");
  await import("@tensorflow/tfjs-backend-cpu");
  await tf.setBackend("cpu");
  const model = JSON.parse(new TextDecoder().decode(task.files.get("model.json"))) as {
    modelTopology: object;
    weightsManifest: { paths: string[]; weights: io.WeightsManifestEntry[] }[];
  };
  const shards = model.weightsManifest.flatMap(({ paths }) => paths);
  const weightData = await new Blob(
    shards.map((path) => new Uint8Array(task.files.get(path)!)),
  ).arrayBuffer();
  const layers = await loadLayersModel({
    load: async () => ({
      modelTopology: model.modelTopology,
      weightSpecs: model.weightsManifest.flatMap(({ weights }) => weights),
      weightData,
    }),
  });
  const [input] = Object.values(task.inputs);
  const y = layers.predict(tf.tensor(input!.data, [...input!.shape], "float32")) as Tensor;
  return {
    data: (await y.data()) as Float32Array,
    shape: y.shape,
    program: `tensorflow.js ${tf.version_core} (tfjs-layers, CPU)`,
  };
}
