import { z } from "zod";
import { readRunConfig } from "../../runs/runFolder.node.ts";
import { reopenRun } from "../../runs/trainRun.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";
import { completeRun } from "../trainResult.node.ts";

const { threads, backend } = engineOptions;

/** `striate resume`: goes on with a run as if it had never stopped. */
export const resumeCommand = defineCommand({
  summary: "Go on with a run that was stopped, to the same result as if it never was.",
  arguments: [{ name: "run", description: "folder of the run" }],
  options: z.object({
    threads,
    backend: backend.describe("what computes (auto: what the run was begun with)"),
    ...commonOptions,
  }),
  examples: ["striate resume runs/photos"],
  async run({ output, signal }, [folder = ""], { threads, backend }) {
    const { engine } = await readRunConfig(folder);
    const context = {
      backend: chooseBackend({
        backend: backend === "auto" ? engine.name : backend,
        threads,
        winograd: engine.winograd ? "auto" : "off",
      }),
      listener: runProgress(output),
      threads,
      signal,
    };
    return completeRun(await reopenRun(folder, context), context, output);
  },
});
