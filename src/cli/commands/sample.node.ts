import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeSample } from "../../data/sets/sample.node.ts";
import { freeRunFolder } from "../../runs/runFolder.node.ts";
import { startRun } from "../../runs/trainRun.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";
import { completeRun } from "../trainResult.node.ts";

/** What trains the sample well in about a minute on two cores. */
const sampleOptions = {
  input: "32x32x3",
  epochs: 30,
  minutes: 1,
  augment: "randomCrop(padding=3), horizontalFlip",
  labelSmoothing: 0.05,
} as const;

/** `striate sample`: the main job end to end, on images that the program draws itself. */
export const sampleCommand = defineCommand({
  summary: "Draw a small data set, train on it for about a minute, and write the report.",
  details:
    "The images are synthetic: drawn objects, made for showing the program at work without a download.",
  arguments: [],
  options: z.object({
    data: z
      .string()
      .default(join("runs", "sample-photos"))
      .meta({ placeholder: "DIR" })
      .describe("folder for the images; used again where it is there"),
    out: z
      .string()
      .optional()
      .meta({ placeholder: "RUN" })
      .describe("folder of the run (runs/sample if left out)"),
    epochs: z
      .number()
      .int()
      .min(1)
      .default(sampleOptions.epochs)
      .describe("passes over the images"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: ["striate sample", "striate sample --out runs/first"],
  async run(
    { output, signal, version },
    _args,
    { data, out, epochs, seed, threads, backend, winograd },
  ) {
    if ((await stat(data).catch(() => undefined)) === undefined) {
      output.note(`Drawing the sample images into ${data}`);
      await writeSample(data);
    }
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    const folder = out ?? (await freeRunFolder("sample"));
    const options = { ...sampleOptions, epochs };
    const flags = { ...options, seed };
    const command = [
      ...["striate", "train", data],
      ...Object.entries(flags).flatMap(([key, value]) => [
        `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
        String(value),
      ]),
    ];
    const request = { data, folder, overwrite: false, options, seed, version, command };
    const result = await completeRun(await startRun(request, context), context, output);
    return {
      ...result,
      text: `${result.text}

The sample is synthetic. On photos of your own, one folder for each class:
        npm start -- train PHOTOS`,
    };
  },
});
