import { z } from "zod";
import { reopenRun } from "../../runs/trainRun.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";
import { completeRun } from "../trainResult.node.ts";

const { seed: _, ...computing } = engineOptions;

/** `striate resume`: goes on with a run as if it had never stopped. */
export const resumeCommand = defineCommand({
  summary: "Go on with a run that was stopped, to the same result as if it never was.",
  arguments: [{ name: "run", description: "folder of the run" }],
  options: z.object({ ...computing, ...commonOptions }),
  examples: ["striate resume runs/photos"],
  async run({ output, signal }, [folder = ""], { threads, backend }) {
    const context = {
      backend: chooseBackend({ backend, threads }),
      listener: runProgress(output),
      threads,
      signal,
    };
    return completeRun(await reopenRun(folder, context), context, output);
  },
});
