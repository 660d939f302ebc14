import { z } from "zod";
import { filterNames } from "../data/decode/resize.ts";

const share = z.number().gt(0).lt(1);

/**
 * Everything that can be asked of a training, by the names of flags and configuration files. What is
 * left out is chosen for the data at hand (choosePlan.ts).
 */
export const trainOptions = {
  net: z
    .string()
    .optional()
    .meta({ placeholder: "NAME" })
    .describe("net to train (see: striate nets)"),
  variant: z.string().optional().meta({ placeholder: "NAME" }).describe("variant of the net"),
  input: z
    .string()
    .regex(/^\d+x\d+(x[13])?$/, "expected HxWxC, as 64x64x3")
    .optional()
    .meta({ placeholder: "HxWxC" })
    .describe("size of the images that the net sees"),
  epochs: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe("passes over the training images"),
  batch: z.number().int().min(1).max(65_536).optional().describe("images per step"),
  optimizer: z
    .string()
    .optional()
    .meta({ placeholder: "NAME(…)" })
    .describe("sgd, momentum, nesterov, adam, adamw, …, with options: momentum(momentum=0.9)"),
  lr: z.number().min(0).optional().describe("learning rate at the top of the schedule"),
  weightDecay: z.number().min(0).optional().describe("decay of the weights"),
  schedule: z
    .string()
    .optional()
    .meta({ placeholder: "NAME(…)" })
    .describe("constant, cosine, step(every=30), multiStep(milestones=80+120), oneCycle, …"),
  warmup: z.number().min(0).optional().describe("epochs in which the rate rises to its top"),
  augment: z
    .string()
    .optional()
    .meta({ placeholder: "LIST" })
    .describe("augmentations in order: randomCrop(padding=4), horizontalFlip; or none"),
  labelSmoothing: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("share of the target spread over all classes"),
  sampling: z
    .enum(["shuffle", "balanced"])
    .optional()
    .describe("every image once, or every class equally often"),
  classWeights: z
    .enum(["none", "balanced"])
    .optional()
    .describe("weigh rare classes up in the loss"),
  accumulate: z
    .number()
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe("batches whose gradients are added up before a step"),
  clipNorm: z.number().gt(0).optional().describe("largest norm of all gradients together"),
  clipValue: z.number().gt(0).optional().describe("largest element of a gradient"),
  ema: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe("decay of a moving average of the weights, which is then validated and kept"),
  patience: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("stop after this many epochs without improvement on validation"),
  keep: z
    .enum(["best", "last"])
    .optional()
    .describe(
      "the model is that of the best epoch on validation, or of the last (last, but best with --patience or --schedule)",
    ),
  freeze: z
    .string()
    .optional()
    .meta({ placeholder: "PATTERN" })
    .describe("parameters that stay as they are: a stage (layer1), or a pattern (*.bn1.*,conv1.*)"),
  weights: z
    .string()
    .optional()
    .meta({ placeholder: "PATH" })
    .describe("weights to begin from: a model folder, a file of any format, or an id on the hub"),
  transfer: z
    .enum(["extract", "finetune"])
    .optional()
    .describe(
      "what to do with --weights: train a linear classifier on their codes, or a new head and all below",
    ),
  cut: z
    .string()
    .optional()
    .meta({ placeholder: "LAYER" })
    .describe("layer whose output is the code (the one before the classifier if left out)"),
  classifier: z
    .enum(["softmax", "svm"])
    .optional()
    .describe("with --transfer extract: logistic regression or a linear support vector machine"),
  bodyLr: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("with --transfer finetune: rate of the body as a part of the head's (0.1)"),
  norms: z
    .enum(["frozen", "trained"])
    .optional()
    .describe(
      "with --transfer finetune: batch norms keep the weights' statistics, or learn this data's",
    ),
  unfreezeEvery: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe("with --transfer finetune: train the head first, and one stage more every N epochs"),
  val: share
    .optional()
    .describe("share of the images to validate on, where the data has no such part"),
  test: z.number().min(0).lt(1).optional().describe("share of the images that only eval opens"),
  split: z
    .string()
    .optional()
    .meta({ placeholder: "FILE" })
    .describe("split.jsonl of an earlier run or of data split"),
  fit: z
    .enum(["crop", "stretch", "pad"])
    .optional()
    .describe("how images of other proportions become inputs"),
  filter: z.enum(filterNames).optional().describe("filter of the resize"),
  onBad: z
    .enum(["skip", "stop"])
    .optional()
    .describe("what to do with files that cannot be decoded"),
  minutes: z
    .number()
    .gt(0)
    .optional()
    .describe("rough training time on two cores that the chosen size and epochs aim at (10)"),
  checkpointSeconds: z
    .number()
    .min(0)
    .optional()
    .describe("seconds between checkpoints within an epoch (30)"),
  memoryLimit: z
    .number()
    .gt(0)
    .optional()
    .describe(
      "MiB that training may take (three quarters of the machine's); larger batches are added up from parts",
    ),
} as const;

const schema = z.object(trainOptions);

/** What was asked for; everything may be left out. */
export type TrainOptions = z.output<typeof schema>;
