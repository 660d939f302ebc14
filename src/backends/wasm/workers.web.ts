import { type Answer, type WorkerHandle, workerMain } from "./worker.ts";

/** Starts a worker of the browser that runs {@link workerMain}. */
export function startWorker(): WorkerHandle {
  const text = `(${workerMain})({
  post: (answer) => postMessage(answer),
  listen: (handler) => addEventListener("message", (event) => handler(event.data)),
});`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  const worker = new Worker(url);
  URL.revokeObjectURL(url);
  const handle: WorkerHandle = {
    post: (order) => worker.postMessage(order),
    onAnswer: () => {},
    onFailure: () => {},
    holdProcess: () => {},
    terminate: () => worker.terminate(),
  };
  worker.addEventListener("message", (event: MessageEvent<Answer>) => handle.onAnswer(event.data));
  worker.addEventListener("error", (event) => handle.onFailure(new Error(event.message)));
  return handle;
}

/** Number of processors that the browser tells. */
export function processorCount(): number {
  return navigator.hardwareConcurrency;
}

/** A page cannot change its engine: 128-bit code. */
export function prepareEngine(): {
  readonly wide: boolean;
  readonly hoistsLoads: boolean;
  readonly name: string;
} {
  return { wide: false, hoistsLoads: false, name: navigator.userAgent };
}

/** Why memory cannot be shared with workers here, or `undefined` where it can. */
export function sharedMemoryReason(): string | undefined {
  if (globalThis.crossOriginIsolated) return undefined;
  return "the page is not cross-origin isolated (headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp), so memory cannot be shared and one thread is used";
}
