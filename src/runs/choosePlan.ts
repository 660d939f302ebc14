import { OptionError } from "../core/errors.ts";
import { parseAugmentations } from "../data/augment/parse.ts";
import { countClasses, type DataSet } from "../data/manifest.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import { createNet, type Net } from "../models/index.ts";
import { measureCost, normalizationKind } from "../train/cost.ts";
import type { Normalization } from "../train/normalization.ts";
import { descriptionOf } from "./ownNet.ts";
import { makeOptimizer, makeSchedule, type Plan } from "./plan.ts";
import type { TrainOptions } from "./trainOptions.ts";
import { chooseTransfer, type Start } from "./transferPlan.ts";

/** What a few images of a set look like. */
export interface ImageScan {
  /** Median of the shorter sides. */
  readonly shorterSide: number;
  /** Width and height, where all images looked at have the same. */
  readonly commonSize: { readonly width: number; readonly height: number } | undefined;
  /** Whether none of them has colour. */
  readonly isGrey: boolean;
}

/** A decision that was not asked for, and its reason. */
export interface Choice {
  readonly what: string;
  readonly value: string;
  readonly why: string;
}

/** A plan that lacks what only the prepared training images tell. */
export type DraftPlan = Omit<Plan, "normalization" | "classWeights"> & {
  readonly weighClasses: boolean;
  /** That of the weights it begins from; measured on the images where there are none. */
  readonly normalization: Normalization | undefined;
};

/** Multiply-adds that two ordinary cores train in a minute, with some reserve. */
const macsPerMinute = 3.6e12;
const defaultMinutes = 6;
/** A step's gradients cost about twice its forward half. */
const trainingFactor = 3;
const photoSizes = [128, 96, 64, 48, 32];
/** Fewer passes than this over photos, and a smaller image is the better use of the time. */
const wantedEpochs = 40;
/** Images up to this size need every pixel: the stem of an ImageNet net would leave a single one. */
const smallSide = 48;
/** More passes than this teach nothing new, unless the images are so few that they make fewer steps than below. */
const mostEpochs = 120;
/** Passes over codes, which cost next to nothing. */
const extractEpochs = 60;
/** A net from scratch needs about so many steps, however few the images are. */
const wantedSteps = 2400;

/**
 * Chooses everything that was not asked for, for the data at hand: a pure function, so that the same data and
 * options give the same plan on any machine.
 *
 * @throws OptionError for names that no table knows; ShapeError for images too small for the net.
 */
export function choosePlan(
  set: DataSet,
  scan: ImageScan,
  options: TrainOptions,
  seed: number,
  start?: Start,
): { readonly plan: DraftPlan; readonly choices: readonly Choice[] } {
  const choices: Choice[] = [];
  const choose = <T>(
    given: T | undefined,
    what: string,
    value: T,
    why: string,
    text?: string,
  ): T => {
    if (given !== undefined) return given;
    choices.push({ what, value: text ?? String(value), why });
    return value;
  };
  const training = countTraining(set, options);
  const budget = (options.minutes ?? defaultMinutes) * macsPerMinute;
  const isPack = scan.commonSize !== undefined && scan.shorterSide <= 40;
  const side =
    options.input === undefined
      ? scan.shorterSide
      : Math.min(...options.input.split("x").slice(0, 2).map(Number));
  const transferred = chooseTransfer(set, options, start, choose);
  const { netName, variant } = transferred ?? chooseNet(side <= smallSide, options, choose);
  const geometry =
    transferred?.geometry ??
    chooseGeometry(
      scan,
      options,
      { netName, variant, classes: set.classes.length, training, budget, isPack },
      choose,
    );
  const net = transferred?.net ?? netOf(netName, variant, set, geometry);
  const { macs } = measureCost(net.layer, net.input);
  const perEpoch = trainingFactor * macs * training;
  const mode = transferred?.transfer?.mode;
  const isExtract = mode === "extract";
  const keepsHead = transferred?.transfer?.keepsHead === true;
  const batch = choose(
    options.batch,
    "batch",
    Math.min(training, training < 600 ? 16 : training < 4000 ? 32 : training < 20_000 ? 64 : 128),
    `small enough for many steps over ${training} images, large enough for batch norm`,
  );
  const epochs = choose(
    options.epochs,
    "epochs",
    ...chooseEpochs(mode, budget / perEpoch, Math.ceil(training / batch), {
      cost: `${training} images of ${formatMacs(macs)}`,
      minutes: options.minutes ?? defaultMinutes,
    }),
  );
  if (batch > training) {
    throw new OptionError(
      `batch ${batch}: there are ${training} images to train on; expected at most that many.`,
    );
  }
  const { optimizer, lr, weightDecay } = chooseUpdates(net, batch, options, choose, {
    mode,
    keepsHead,
  });
  const schedule = choose(
    options.schedule,
    "schedule",
    "cosine",
    "falls to zero by the last epoch",
  );
  const warmup = choose(
    options.warmup,
    "warm-up",
    options.schedule === undefined && !isExtract ? Math.min(5, Math.ceil(epochs / 10)) : 0,
    isExtract
      ? "a linear classifier does not need it"
      : options.schedule === undefined
        ? "epochs of rising rate, so that the start does not diverge"
        : "the schedule was given",
  );
  // Fails now, where the user's own words are at hand.
  makeSchedule(schedule);
  const augment = parseAugmentations(
    isExtract
      ? "none"
      : choose(options.augment, "augmentation", ...chooseAugmentation(isPack, scan.isGrey)),
  ).specs;
  const keep = chooseKeep(options, choose);
  const sampling = chooseSampling(set, options, choose);
  const smoothing = choose(
    options.labelSmoothing,
    "label smoothing",
    mode === undefined ? 0.1 : 0,
    mode === undefined ? "against overconfidence" : "the weights keep it from guessing wildly",
  );
  const { name, input } = net;
  const loss: Plan["loss"] = options.classifier === "svm" ? "multiclassHinge" : net.loss;
  return {
    choices,
    plan: {
      net: { name, variant: net.variant, input: [...input], ...descriptionOf(net) },
      classes: [...set.classes],
      geometry,
      augment: augment.map((spec) => ({ ...spec })),
      sampling,
      epochs,
      batch,
      accumulate: options.accumulate ?? 1,
      optimizer,
      lr,
      weightDecay,
      schedule,
      warmup,
      loss,
      labelSmoothing: loss === "crossEntropy" ? smoothing : 0,
      weighClasses: options.classWeights === "balanced",
      clipNorm: options.clipNorm ?? null,
      clipValue: options.clipValue ?? null,
      ema: options.ema ?? null,
      freeze: options.freeze ?? null,
      transfer: transferred?.transfer ?? null,
      normalization: transferred?.normalization,
      patience: options.patience ?? null,
      keep,
      seed,
    },
  };
}

export type Choose = <T>(
  given: T | undefined,
  what: string,
  value: T,
  why: string,
  text?: string,
) => T;

interface Budget {
  readonly netName: string;
  readonly variant: string | undefined;
  readonly classes: number;
  readonly training: number;
  readonly budget: number;
  readonly isPack: boolean;
}

/** Photos can do with early strides, which save most of the work; small images cannot. */
function chooseNet(
  isSmall: boolean,
  { net, variant }: TrainOptions,
  choose: Choose,
): { readonly netName: string; readonly variant: string | undefined } {
  if (net !== undefined) return { netName: net, variant };
  const netName = isSmall ? "resnet20" : "resnet18";
  const ownVariant = variant ?? (isSmall ? undefined : "narrow");
  const why = isSmall
    ? "a residual net of 20 layers that is made for small images"
    : "a residual net of 18 layers, half as wide as usual: enough for some thousand photos, and quick on a CPU";
  choose(undefined, "net", ownVariant === undefined ? netName : `${netName}, ${ownVariant}`, why);
  return { netName, variant: ownVariant };
}

function chooseGeometry(
  scan: ImageScan,
  options: TrainOptions,
  about: Budget,
  choose: Choose,
): Geometry {
  const channels = scan.isGrey ? 1 : 3;
  const rest = {
    ...(options.fit === undefined ? {} : { fit: options.fit }),
    ...(options.filter === undefined ? {} : { filter: options.filter }),
  };
  // Room for random crops to play in.
  const margin = about.isPack || (options.fit ?? "crop") !== "crop" ? {} : { cropRatio: 0.875 };
  if (options.input !== undefined) {
    const [height = 0, width = 0, depth = channels] = options.input.split("x").map(Number);
    return { width, height, channels: depth === 1 ? 1 : 3, ...margin, ...rest };
  }
  if (about.isPack) {
    const { width, height } = scan.commonSize!;
    const size = choose(
      undefined,
      "input",
      `${height}x${width}x${channels}`,
      "the images' own size",
    );
    const [h = 0, w = 0] = size.split("x").map(Number);
    return { width: w, height: h, channels, ...rest };
  }
  const fixed = fixedInput(about);
  if (fixed !== undefined) {
    choose(
      undefined,
      "input",
      `${fixed[1]}x${fixed[2]}x${fixed[0]}`,
      `what ${about.netName} is made for`,
    );
    return {
      width: fixed[2],
      height: fixed[1],
      channels: fixed[0] === 1 ? 1 : 3,
      ...margin,
      ...rest,
    };
  }
  const size = choosePhotoSize(scan, about, channels);
  choose(
    undefined,
    "input",
    `${size}x${size}x${channels}`,
    `the images' shorter side is typically ${scan.shorterSide}; larger would leave fewer than ${wantedEpochs} passes in the time`,
  );
  return { width: size, height: size, channels, ...margin, ...rest };
}

/** Input of nets that are not meant for small images; others take any. */
function fixedInput({ netName, variant, classes }: Budget): Net["input"] | undefined {
  if (variant === "narrow") return undefined;
  const net = createNet(netName, { classes, ...(variant === undefined ? {} : { variant }) });
  return Math.min(net.input[1], net.input[2]) > 64 || net.minimumInput > 16 ? net.input : undefined;
}

function choosePhotoSize(scan: ImageScan, about: Budget, channels: number): number {
  const usable = photoSizes.filter(
    (size) => size <= Math.max(scan.shorterSide, photoSizes.at(-1)!),
  );
  const affordable = usable.find((size) => {
    const { layer } = createNet(about.netName, {
      input: [channels, size, size],
      classes: about.classes,
      ...(about.variant === undefined ? {} : { variant: about.variant }),
    });
    const { macs } = measureCost(layer, [channels, size, size]);
    return trainingFactor * macs * about.training * wantedEpochs <= about.budget;
  });
  return affordable ?? usable.at(-1)!;
}

function netOf(name: string, variant: string | undefined, set: DataSet, geometry: Geometry): Net {
  const { channels, height, width } = geometry;
  return createNet(name, {
    input: [channels, height, width],
    classes: set.classes.length,
    ...(variant === undefined ? {} : { variant }),
  });
}

function chooseAugmentation(isPack: boolean, isGrey: boolean): [string, string] {
  if (isPack && isGrey) {
    return ["randomCrop(padding=2)", "small shifts; symbols and shapes must not be mirrored"];
  }
  if (isPack) {
    return [
      "randomCrop(padding=4), horizontalFlip",
      "shifts and mirror images, as is usual for small photos",
    ];
  }
  return [
    `randomResizedCrop(scale=0.4..1), horizontalFlip, ${isGrey ? "" : "colorJitter(brightness=0.3, contrast=0.3, saturation=0.3), "}randomErasing(chance=0.2)`,
    "photos differ in framing, side and light, and these make more of them",
  ];
}

/** Rate for a batch of 128 at a momentum of 0.9: with batch norm, and without anything that keeps activations in bounds. */
const momentumRates = { batch: 0.2, none: 0.02 } as const;

/** Optimizer, rate and decay, which depend on one another, on what the net bears, and on whether it is trained already. */
function chooseUpdates(
  net: Net,
  batch: number,
  options: TrainOptions,
  choose: Choose,
  transfer: { readonly mode: "extract" | "finetune" | undefined; readonly keepsHead: boolean },
): { readonly optimizer: string; readonly lr: number; readonly weightDecay: number } {
  const { mode, keepsHead } = transfer;
  const isExtract = mode === "extract";
  const kind = normalizationKind(net.layer, net.input);
  const optimizer = choose(
    options.optimizer,
    "optimizer",
    mode === undefined && kind !== "layer" ? "nesterov(momentum=0.9)" : "adamw",
    mode !== undefined
      ? "its steps are of one size whatever the scale of the weights and codes"
      : kind === "layer"
        ? "as nets with layer norm are trained where they were published"
        : "generalises best on images when the schedule goes to zero",
  );
  const isMomentum = /^\s*(momentum|nesterov)/.test(optimizer);
  const base = makeOptimizer(optimizer).options;
  const top = momentumRates[kind === "batch" ? "batch" : "none"];
  const lr = choose(
    options.lr,
    "learning rate",
    isMomentum ? (top * batch) / 128 : isExtract ? 5e-3 : keepsHead ? 1e-4 : base.lr,
    isMomentum
      ? `${top} for a batch of 128, in proportion${kind === "batch" ? "" : "; a net without batch norm bears no more"}`
      : isExtract
        ? "a linear classifier has one minimum, and may go fast"
        : keepsHead
          ? "all of it is trained already; faster would spoil it"
          : "the optimizer's default",
  );
  const weightDecay = choose(
    options.weightDecay,
    "weight decay",
    isMomentum ? 5e-4 : isExtract ? 0.1 : base.weightDecay,
    isMomentum || isExtract
      ? "keeps a small set from being learned by heart"
      : "the optimizer's default",
  );
  return { optimizer, lr, weightDecay };
}

/** As many passes as the time allows, but no more than teach anything. */
function chooseEpochs(
  mode: "extract" | "finetune" | undefined,
  affordable: number,
  stepsPerEpoch: number,
  about: { readonly cost: string; readonly minutes: number },
): [number, string] {
  if (mode === "extract") return [extractEpochs, "a linear classifier on codes takes seconds"];
  const isTuning = mode === "finetune";
  const enough = isTuning
    ? mostEpochs
    : Math.max(mostEpochs, Math.ceil(wantedSteps / stepsPerEpoch));
  if (affordable > enough) {
    return [enough, `${enough * stepsPerEpoch} steps; more would teach nothing new`];
  }
  const epochs = Math.max(isTuning ? 3 : 8, Math.round(affordable));
  return [epochs, `about ${about.minutes} minutes on two cores for ${about.cost}`];
}

/** With a rate that ends at zero the last epoch is as good as any, and nothing was picked on the validation images. */
function chooseKeep({ keep, patience, schedule }: TrainOptions, choose: Choose): "best" | "last" {
  const endsAtZero = schedule === undefined && patience === undefined;
  return choose<"best" | "last">(
    keep,
    "model",
    endsAtZero ? "last" : "best",
    endsAtZero
      ? "the last epoch's, where the rate is zero; picking the best epoch on the validation images would flatter their accuracy"
      : "the best epoch's on the validation images, whose accuracy that flatters a little",
  );
}

const balancedAbove = 4;

function chooseSampling(
  set: DataSet,
  options: TrainOptions,
  choose: Choose,
): "shuffle" | "balanced" {
  const counts = countClasses(set).filter((count) => count > 0);
  const ratio = Math.max(...counts) / Math.min(...counts);
  const isUneven = ratio > balancedAbove && options.classWeights !== "balanced";
  return choose<"shuffle" | "balanced">(
    options.sampling,
    "sampling",
    isUneven ? "balanced" : "shuffle",
    isUneven
      ? `the largest class has ${ratio.toFixed(1)} times the images of the smallest`
      : "the classes are of similar size",
  );
}

function countTraining(set: DataSet, options: TrainOptions): number {
  const given = set.items.filter(({ split }) => split === "train").length;
  const hasVal = set.items.some(({ split }) => split === "val");
  const pool = given > 0 ? given : set.items.filter(({ split }) => split === undefined).length;
  const kept = 1 - (hasVal ? 0 : (options.val ?? 0.2)) - (options.test ?? 0);
  const count = Math.round(pool * kept);
  if (count < 1) {
    throw new OptionError(
      `training: of ${set.items.length} images none is left to train on; lower --val and --test.`,
    );
  }
  return count;
}

function formatMacs(macs: number): string {
  return `${(macs / 1e6).toFixed(0)} million multiply-adds each`;
}
