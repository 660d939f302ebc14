import process from "node:process";
import type { ForeignAnswer, ForeignTask } from "./foreignRuntime.ts";

export type ForeignReply =
  | { readonly kind: "answer"; readonly answer: ForeignAnswer }
  | { readonly kind: "absent" }
  | { readonly kind: "failed"; readonly message: string };

const askers = { onnx: askOnnxRuntime } as const;

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
