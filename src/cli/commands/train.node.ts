import { basename, resolve } from "node:path";
import process from "node:process";
import { z } from "zod";
import { freeRunFolder, hasRun } from "../../runs/runFolder.node.ts";
import { trainOptions } from "../../runs/trainOptions.ts";
import { reopenRun, startRun } from "../../runs/trainRun.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";
import { completeRun } from "../trainResult.node.ts";
import { UsageError } from "../usageError.ts";

/** `striate train`: from a folder of images to a model and a report. */
export const trainCommand = defineCommand({
  summary: "Train a net on images and report how well it does.",
  details: `DATA is a folder of class folders (or train/, val/ and test/ with class folders), a manifest (.csv, .jsonl), or a
folder of IDX files or CIFAR batches. What is not given is chosen for the data; the choices are printed.`,
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    ...trainOptions,
    out: z
      .string()
      .optional()
      .meta({ placeholder: "RUN" })
      .describe("folder of the run (runs/<name of the data> if left out)"),
    overwrite: z.boolean().default(false).describe("replace an earlier run at --out"),
    resume: z.boolean().default(false).describe("go on with the run at --out if it was begun"),
    folds: z
      .number()
      .int()
      .min(2)
      .max(100)
      .optional()
      .describe("cross-validate with so many folds besides (as many trainings more)"),
    repeat: z
      .array(z.number().int().min(0))
      .optional()
      .describe("train with these seeds besides, for the spread"),
    learningCurve: z
      .boolean()
      .default(false)
      .describe("train on parts of the images besides: would more help?"),
    naiveSplit: z
      .boolean()
      .default(false)
      .describe("train on a split blind to duplicates besides: how much would it flatter?"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: [
    "striate train photos/",
    "striate train photos/ --net resnet20 --input 64x64x3 --epochs 40 --out runs/first",
    "striate train photos/ --config runs/first/config.json --seed 2",
    "striate train photos/ --weights models/squeezenet --transfer extract --out runs/codes",
    "striate train photos/ --weights runs/codes --transfer finetune --unfreeze-every 2",
  ],
  async run({ output, signal, version }, [data = ""], options) {
    const {
      out,
      overwrite,
      resume,
      json: _,
      quiet: __,
      seed,
      threads,
      backend,
      winograd,
      folds,
      repeat,
      learningCurve,
      naiveSplit,
      ...rest
    } = options;
    const studies = { folds, repeat, learningCurve, naiveSplit };
    const studied = folds !== undefined || repeat !== undefined || learningCurve || naiveSplit;
    if (studied && rest.weights !== undefined) {
      throw new UsageError(
        "--folds, --repeat, --learning-curve and --naive-split train from fresh weights; they do not go with --weights.",
      );
    }
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    if (resume) {
      if (out === undefined) throw new UsageError("--resume: name the run with --out.");
      if (await hasRun(out))
        return completeRun(await reopenRun(out, context), context, output, studies);
    }
    const folder = out ?? (await freeRunFolder(basename(resolve(data))));
    const request = {
      data,
      folder,
      overwrite,
      options: rest,
      seed,
      version,
      command: ["striate", ...process.argv.slice(2)],
    };
    return completeRun(await startRun(request, context), context, output, studies);
  },
});
