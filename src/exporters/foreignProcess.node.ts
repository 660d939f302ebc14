import { type ChildProcess, fork } from "node:child_process";
import { FormatError } from "../core/errors.ts";
import type { ForeignRuntime, ForeignTask } from "./foreignRuntime.ts";
import type { ForeignReply } from "./foreignWorker.node.ts";

const errorCharacters = 2000;

/**
 * Other programs in a process of their own, started with the first task: our engine sets flags of V8 for its process, under which
 * a large foreign WebAssembly module takes seconds to compile.
 */
export function foreignProcess(): ForeignRuntime {
  let child: ChildProcess | undefined;
  return {
    async ask(task) {
      child ??= start();
      const reply = await send(child, task);
      if (reply.kind === "failed") {
        throw new FormatError(`${task.runtime}: the model is refused: ${reply.message}`);
      }
      return reply.kind === "absent" ? undefined : reply.answer;
    },
    close() {
      child?.kill();
      child = undefined;
    },
  };
}

function start(): ChildProcess {
  // The compiled package has .js files, a checkout has .ts files.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return fork(new URL(`./foreignWorker.node.${extension}`, import.meta.url), [], {
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
}

function send(child: ChildProcess, task: ForeignTask): Promise<ForeignReply> {
  return new Promise((resolve, reject) => {
    let words = "";
    const listen = (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-errorCharacters);
    };
    const done = () => {
      child.stderr?.off("data", listen);
      child.off("message", answered);
      child.off("exit", ended);
      child.off("error", failed);
    };
    const answered = (reply: ForeignReply) => {
      done();
      resolve(reply);
    };
    const ended = (code: number | null) => {
      done();
      reject(new FormatError(`${task.runtime}: the program ended with code ${code}. ${words}`));
    };
    const failed = (error: Error) => {
      done();
      reject(error);
    };
    child.stderr?.on("data", listen);
    child.once("message", answered);
    child.once("exit", ended);
    child.once("error", failed);
    child.send(task, (error) => {
      if (error !== null) failed(error);
    });
  });
}
