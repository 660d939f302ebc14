import { z } from "zod";
import { FormatError, lookUp, OptionError } from "../core/errors.ts";
import { type AugmentationPlan, parseAugmentations } from "../data/augment/parse.ts";
import { filterNames } from "../data/decode/resize.ts";
import type { Net } from "../models/index.ts";
import { type Optimizer, optimizers } from "../optim/index.ts";
import { type Schedule, schedules, warmup } from "../optim/schedules/index.ts";
import { type ClassifierLoss, classifierLosses, type Recipe } from "../train/recipe.ts";
import { parseNamedOptions } from "./namedOptions.ts";
import { describedNet } from "./ownNet.ts";

const color = z.tuple([z.number(), z.number(), z.number()]).readonly();

const geometrySchema = z.object({
  width: z.number().int(),
  height: z.number().int(),
  channels: z.union([z.literal(1), z.literal(3)]),
  fit: z.enum(["crop", "stretch", "pad"]).exactOptional(),
  cropRatio: z.number().exactOptional(),
  filter: z.enum(filterNames).exactOptional(),
  background: color.exactOptional(),
});

const lossNames = Object.keys(classifierLosses) as [ClassifierLoss, ...ClassifierLoss[]];

/** Everything that decides the bits of a training but the data: `config.json` of a run holds it. */
export const planSchema = z.object({
  net: z.object({
    name: z.string(),
    variant: z.string(),
    input: z.tuple([z.number(), z.number(), z.number()]),
    /** A net of one's own in the words of a net file, where it is none of the catalogue. */
    description: z.unknown().exactOptional(),
  }),
  classes: z.array(z.string()),
  geometry: geometrySchema,
  normalization: z.object({
    mean: z.array(z.number()).readonly(),
    std: z.array(z.number()).readonly(),
    scale: z.number().exactOptional(),
    channelOrder: z.enum(["rgb", "bgr"]).exactOptional(),
  }),
  augment: z.array(z.looseObject({ name: z.string() })),
  sampling: z.enum(["shuffle", "balanced"]),
  epochs: z.number().int(),
  batch: z.number().int(),
  accumulate: z.number().int(),
  /** As the flag: `momentum(momentum=0.9)`; `lr` and `weightDecay` stand on their own. */
  optimizer: z.string(),
  lr: z.number(),
  weightDecay: z.number(),
  schedule: z.string(),
  warmup: z.number(),
  loss: z.enum(lossNames),
  labelSmoothing: z.number(),
  classWeights: z.array(z.number()).nullable(),
  clipNorm: z.number().nullable(),
  clipValue: z.number().nullable(),
  ema: z.number().nullable(),
  freeze: z.string().nullable(),
  patience: z.number().nullable(),
  keep: z.enum(["best", "last"]),
  seed: z.number(),
});

export type Plan = z.output<typeof planSchema>;

/** Reads a plan from the text of a configuration. */
export function parsePlan(value: unknown, where: string): Plan {
  const result = planSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new FormatError(`${where}: plan.${issue?.path.join(".")}: ${issue?.message}`);
}

/** The net of a plan. */
export function planNet(plan: Pick<Plan, "net" | "classes">): Net {
  return describedNet(plan.net, plan.classes.length);
}

/** What one training step of a plan computes. */
export function planRecipe(plan: Plan): Recipe {
  const { input, layer } = planNet(plan);
  const clip = {
    ...(plan.clipNorm === null ? {} : { norm: plan.clipNorm }),
    ...(plan.clipValue === null ? {} : { value: plan.clipValue }),
  };
  return {
    net: layer,
    input,
    classes: plan.classes.length,
    normalization: plan.normalization,
    optimizer: makeOptimizer(plan.optimizer, { lr: plan.lr, weightDecay: plan.weightDecay }),
    loss: plan.loss,
    labelSmoothing: plan.labelSmoothing,
    softTargets: planAugmentation(plan).batchAugmentations.length > 0,
    decayVectors: false,
    clip,
    accumulate: plan.accumulate,
    ...(plan.classWeights === null ? {} : { classWeights: plan.classWeights }),
    ...(plan.ema === null ? {} : { average: { decay: plan.ema } }),
    ...(plan.freeze === null ? {} : { frozen: namePattern(plan.freeze) }),
  };
}

/** The schedule of a plan, with its warm-up in front. */
export function planSchedule(plan: Pick<Plan, "schedule" | "warmup">): Schedule {
  const schedule = makeSchedule(plan.schedule);
  return plan.warmup === 0 ? schedule : warmup(schedule, { steps: plan.warmup });
}

export function planAugmentation(plan: Pick<Plan, "augment">): AugmentationPlan {
  return parseAugmentations(plan.augment);
}

/** An optimiser from `name(option=value, …)`, over whose rate and decay those given win. */
export function makeOptimizer(
  text: string,
  given: { readonly lr?: number; readonly weightDecay?: number } = {},
): Optimizer {
  const { name, options } = parseNamedOptions(text, "optimizer");
  const make = lookUp<(options: object) => Optimizer>(optimizers, name, "optimizer");
  return make({ ...options, ...given });
}

/** A schedule from `name(option=value, …)`. */
export function makeSchedule(text: string): Schedule {
  const { name, options } = parseNamedOptions(text, "schedule");
  const make = lookUp<(options: never) => Schedule>(schedules, name, "schedule");
  return make(readLists(options) as never);
}

// A list of one is written as a number.
function readLists(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { milestones, ...rest } = options;
  if (milestones === undefined) return rest;
  return { ...rest, milestones: typeof milestones === "number" ? [milestones] : milestones };
}

/** Whether a name matches one of several patterns with `*`, separated by commas. */
export function namePattern(patterns: string): (name: string) => boolean {
  const expressions = patterns.split(",").map((pattern) => {
    const trimmed = pattern.trim();
    if (trimmed === "") throw new OptionError(`freeze "${patterns}": an empty pattern.`);
    const escaped = trimmed.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(`^${escaped}$`);
  });
  return (name) => expressions.some((expression) => expression.test(name));
}
