import { z } from "zod";
import { readModel } from "../../runs/trainedModel.node.ts";
import { askModel } from "../../runs/useModel.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { formatPercent } from "../quantities.ts";

const { seed: _, ...computing } = engineOptions;

/** `striate predict`: the likeliest classes of images. */
export const predictCommand = defineCommand({
  summary: "Say what images show.",
  details:
    "A file that cannot be read is named, and makes the exit code 1; the others are answered all the same.",
  arguments: [
    { name: "model", description: "folder of a model or of a run" },
    { name: "image", description: "image files", variadic: true },
  ],
  options: z.object({
    top: z.number().int().min(1).default(5).describe("classes to name for each image"),
    ...computing,
    ...commonOptions,
  }),
  examples: [
    "striate predict runs/photos cat.jpg",
    "striate predict runs/photos *.jpg --top 1 --json",
  ],
  async run({ output, signal }, [path = "", ...files], { top, threads, backend, winograd }) {
    const model = await readModel(path);
    const answers = await askModel(model, files, {
      top,
      backend: chooseBackend({ backend, threads, winograd }),
      signal,
    });
    const lines = answers.map(({ file, predictions, unsure, error }) => {
      if (error !== null) return error.startsWith(`${file}: `) ? error : `${file}: ${error}`;
      const named = predictions.map(
        ({ label, probability }) => `${label} ${formatPercent(probability)}`,
      );
      const doubt = unsure
        ? output.styledResult("yellow", "  (unsure: perhaps none of these)")
        : "";
      return `${file}: ${named.join(", ")}${doubt}`;
    });
    return {
      document: answers,
      text: lines.join("\n"),
      exitCode: answers.some(({ error }) => error !== null) ? 1 : 0,
    };
  },
});
