import { z } from "zod";
import { FormatError, lookUp, OptionError } from "../core/errors.ts";
import { type AugmentationPlan, parseAugmentations } from "../data/augment/parse.ts";
import { filterNames } from "../data/decode/resize.ts";
import { stageOf } from "../models/cutNet.ts";
import type { Net } from "../models/index.ts";
import { type Optimizer, optimizers } from "../optim/index.ts";
import { type Schedule, schedules, warmup } from "../optim/schedules/index.ts";
import { type ClassifierLoss, classifierLosses, type Recipe } from "../train/recipe.ts";
import { declarations } from "../train/stepGraph.ts";
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
  /** What is taken from weights of before; null without `transfer`. */
  transfer: z
    .object({
      mode: z.enum(["extract", "finetune"]),
      /** The weights as they were named, and SHA-256 of their numbers. */
      weights: z.string(),
      sha256: z.string(),
      cut: z.string(),
      codes: z.number().int(),
      /** The linear layer of the classifier. */
      head: z.string(),
      /** Whether it goes on from the weights' own classifier, which has the same classes. */
      keepsHead: z.boolean(),
      bodyLr: z.number(),
      unfreezeEvery: z.number().int().nullable(),
      /** Whether batch norms stay as the weights have them, with their running statistics. */
      keepsNorms: z.boolean(),
      /** Of the body, from the image to the head: what is unfrozen in turn. */
      stages: z.array(z.string()),
    })
    .nullable()
    .default(null),
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

/** What one training step of a plan computes in an epoch, from 0: stages that are still frozen depend on it. */
export function planRecipe(plan: Plan, epoch = 0): Recipe {
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
    ...planFreeze(plan, epoch),
    ...planGroups(plan),
  };
}

/** Stages of the body that an epoch trains; all of them unless they are unfrozen in turn. */
export function stagesTrained({ transfer }: Pick<Plan, "transfer">, epoch: number): number {
  if (transfer === null) return Number.POSITIVE_INFINITY;
  const { unfreezeEvery, stages } = transfer;
  if (unfreezeEvery === null) return stages.length;
  return Math.min(stages.length, Math.floor(epoch / unfreezeEvery));
}

function planFreeze(plan: Plan, epoch: number): Pick<Recipe, "frozen"> {
  const { freeze, transfer } = plan;
  const pattern = freeze === null ? undefined : namePattern(freeze);
  const kept =
    transfer === null
      ? []
      : transfer.stages.slice(0, transfer.stages.length - stagesTrained(plan, epoch));
  const norms = transfer?.keepsNorms === true ? batchNorms(plan) : new Set<string>();
  if (pattern === undefined && kept.length === 0 && norms.size === 0) return {};
  const isKept = (name: string) => kept.includes(stageOf(name)) && !isInHead(plan, name);
  return {
    frozen: (name) => pattern?.(name) === true || norms.has(ownerOf(name)) || isKept(name),
  };
}

/** Layers of the net that keep running statistics. */
function batchNorms(plan: Plan): ReadonlySet<string> {
  const { layer, input } = planNet(plan);
  const { normalization, classes } = plan;
  const declared = declarations({ net: layer, input, classes: classes.length, normalization });
  const statistics = declared.filter(({ name }) => name.endsWith(".running_mean"));
  return new Set(statistics.map(({ name }) => ownerOf(name)));
}

/** `bn1.weight` → `bn1`. */
function ownerOf(parameter: string): string {
  return parameter.slice(0, parameter.lastIndexOf("."));
}

function planGroups(plan: Plan): Pick<Recipe, "groups"> {
  if (plan.transfer === null || plan.transfer.bodyLr === 1) return {};
  const { bodyLr } = plan.transfer;
  return { groups: [{ matches: ({ name }) => !isInHead(plan, name), lrMultiplier: bodyLr }] };
}

/** Whether a parameter belongs to the new classifier. */
function isInHead({ transfer }: Pick<Plan, "transfer">, name: string): boolean {
  return transfer !== null && name.startsWith(`${transfer.head}.`);
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

/**
 * Whether a name matches one of several patterns with `*`, separated by commas. One without `*` also stands for all that
 * lies below it: `layer1` for `layer1.0.conv1.weight`.
 */
export function namePattern(patterns: string): (name: string) => boolean {
  const expressions = patterns.split(",").map((pattern) => {
    const trimmed = pattern.trim();
    if (trimmed === "") throw new OptionError(`freeze "${patterns}": an empty pattern.`);
    const escaped = trimmed.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    return new RegExp(trimmed.includes("*") ? `^${escaped}$` : `^${escaped}(\\.|$)`);
  });
  return (name) => expressions.some((expression) => expression.test(name));
}
