import { OptionError } from "../core/errors.ts";
import type { DataSet } from "../data/manifest.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import { netFor, stagesOf, type TransferNet, transferNet } from "../models/cutNet.ts";
import type { Net } from "../models/index.ts";
import type { Normalization } from "../train/normalization.ts";
import { declarations } from "../train/stepGraph.ts";
import type { Choose } from "./choosePlan.ts";
import type { Model } from "./model.ts";
import { namePattern, type Plan } from "./plan.ts";
import type { TrainOptions } from "./trainOptions.ts";

/** What a plan is told of the weights that a training begins from. */
export interface Start {
  readonly model: Pick<Model, "net" | "classes" | "geometry" | "normalization">;
  readonly name: string;
  readonly sha256: string;
}

/** What beginning from weights decides. */
export interface TransferChoice {
  readonly netName: string;
  readonly variant: string | undefined;
  readonly net: Net;
  readonly geometry: Geometry;
  readonly normalization: Normalization;
  readonly transfer: Plan["transfer"];
}

/** Part of the head's rate at which a body is trained that knows something already. */
const bodyRate = 0.1;

/**
 * What follows from weights to begin from: the net, the preprocessing they were trained with, and with `--transfer` where
 * the net is cut and what of it is trained. Nothing where there are no weights, or those are of another net than asked for.
 *
 * @throws OptionError for options that need others.
 */
export function chooseTransfer(
  set: DataSet,
  options: TrainOptions,
  start: Start | undefined,
  choose: Choose,
): TransferChoice | undefined {
  const { transfer: mode } = options;
  checkOptions(options);
  if (start === undefined) return undefined;
  const { model, name, sha256 } = start;
  const isSame =
    (options.net === undefined || options.net === model.net.name) &&
    (options.variant === undefined || options.variant === model.net.variant);
  if (!isSame) {
    if (mode === undefined) return undefined;
    const asked = (["net", "variant"] as const)
      .filter((flag) => options[flag] !== undefined)
      .map((flag) => `--${flag} ${options[flag]}`);
    throw new OptionError(
      `${asked.join(" ")}: the weights "${name}" are of ${model.net.name} (${model.net.variant}); leave --net and --variant out.`,
    );
  }
  if (options.net === undefined) {
    choose(undefined, "net", `${model.net.name}, ${model.net.variant}`, "that of the weights");
  }
  const geometry = startGeometry(options, model);
  const { channels, height, width } = geometry;
  const { mean, std, channelOrder = "rgb" } = model.normalization;
  choose(
    undefined,
    "preprocessing",
    `${height}x${width}x${channels}, ${channelOrder}, mean ${mean.map(short).join(" ")}, deviation ${std.map(short).join(" ")}`,
    "what the weights were trained with; anything else spoils them",
  );
  const base = netFor(model.net, { input: [channels, height, width] });
  const decided = {
    netName: base.name,
    variant: base.variant,
    geometry,
    normalization: model.normalization,
  };
  if (mode === undefined) {
    return { ...decided, net: netFor(base, { classes: set.classes.length }), transfer: null };
  }
  const keepsHead =
    mode === "finetune" && options.cut === undefined && sameClasses(model.classes, set.classes);
  const cut = transferNet(base, set.classes.length, options.cut);
  const net = keepsHead ? base : cut.net;
  const head = keepsHead ? (ownHeadOf(base, cut) ?? cut.head) : cut.head;
  const names = declarations({
    net: net.layer,
    input: net.input,
    classes: net.classes,
    normalization: model.normalization,
  }).map((parameter) => parameter.name);
  const hasNorms = names.some((parameter) => parameter.endsWith(".running_mean"));
  explain(mode, cut, { keepsHead, hasNorms }, options, choose);
  if (options.freeze !== undefined) frozenNames(options.freeze, names);
  const stages = stagesOf(names.filter((p) => !p.startsWith(`${head}.`)).map((p) => ({ name: p })));
  return {
    ...decided,
    net,
    transfer: {
      mode,
      weights: name,
      sha256,
      cut: cut.cut,
      codes: cut.codes,
      head,
      keepsHead,
      bodyLr: mode === "extract" ? 0 : (options.bodyLr ?? (keepsHead ? 1 : bodyRate)),
      unfreezeEvery: options.unfreezeEvery ?? null,
      keepsNorms: mode === "finetune" && hasNorms && options.norms !== "trained",
      stages,
    },
  };
}

function checkOptions(options: TrainOptions): void {
  const { transfer, weights, cut, classifier, bodyLr, unfreezeEvery, norms } = options;
  if (transfer !== undefined && weights === undefined) {
    throw new OptionError(
      `--transfer ${transfer}: transfer from what? Name a model or a file with --weights.`,
    );
  }
  const only = (flag: string, given: unknown, mode: TrainOptions["transfer"]): void => {
    if (given === undefined || transfer === mode) return;
    throw new OptionError(`--${flag} goes with --transfer ${mode}.`);
  };
  only("classifier", classifier, "extract");
  only("body-lr", bodyLr, "finetune");
  only("unfreeze-every", unfreezeEvery, "finetune");
  only("norms", norms, "finetune");
  if (cut !== undefined && transfer === undefined) {
    throw new OptionError("--cut goes with --transfer.");
  }
  if (transfer !== "extract") return;
  for (const flag of ["augment", "freeze", "accumulate", "ema"] as const) {
    if (options[flag] === undefined) continue;
    throw new OptionError(
      `--${flag}: with --transfer extract the codes are computed once and the body does not change; use --transfer finetune.`,
    );
  }
}

/** Which of a net's parameters a pattern freezes. @throws OptionError where it is none. */
export function frozenNames(pattern: string, names: readonly string[]): (name: string) => boolean {
  const matches = namePattern(pattern);
  if (names.some(matches)) return matches;
  throw new OptionError(
    `--freeze ${pattern}: no parameter is called so; there are ${stagesOf(names.map((name) => ({ name }))).join(", ")}.`,
  );
}

function explain(
  mode: "extract" | "finetune",
  cut: TransferNet,
  { keepsHead, hasNorms }: { readonly keepsHead: boolean; readonly hasNorms: boolean },
  options: TrainOptions,
  choose: Choose,
): void {
  choose(
    options.cut,
    mode === "extract" ? "codes" : "classifier",
    keepsHead ? "that of the weights" : `${cut.codes} numbers behind ${cut.cut}`,
    keepsHead
      ? "the classes are the same"
      : mode === "extract"
        ? "what the net says of an image just before its classifier; computed once"
        : "a new linear layer, for the classes of this data",
  );
  if (mode === "extract") {
    choose<string>(
      options.classifier,
      "linear classifier",
      "softmax",
      "gives probabilities; svm is the alternative",
    );
    return;
  }
  choose(
    options.bodyLr,
    "rate of the body",
    keepsHead ? 1 : bodyRate,
    keepsHead
      ? "the classifier is trained already, as the body is"
      : "of the head's: what the weights know already shall change slowly",
  );
  if (hasNorms) {
    choose<string>(
      options.norms,
      "batch norms",
      "frozen",
      "the running statistics of the weights rest on far more images than there are here",
    );
  }
}

/** The last layer with weights, for weights whose classifier stays. */
function ownHeadOf(base: Net, { head }: TransferNet): string | undefined {
  const names = declarations({
    net: base.layer,
    input: base.input,
    classes: base.classes,
    normalization: { mean: [], std: [] },
  }).map(({ name }) => name);
  if (names.includes(`${head}.weight`)) return head;
  const last = names.findLast((name) => name.endsWith(".weight"));
  return last?.slice(0, -".weight".length);
}

/** The size of the weights' input, or another that was asked for; all else is the weights'. */
function startGeometry(
  { input, fit, filter }: TrainOptions,
  { geometry }: Start["model"],
): Geometry {
  const given = {
    ...geometry,
    ...(fit === undefined ? {} : { fit }),
    ...(filter === undefined ? {} : { filter }),
  };
  if (input === undefined) return given;
  const [height = 0, width = 0, depth = geometry.channels] = input.split("x").map(Number);
  if (depth !== geometry.channels) {
    throw new OptionError(
      `--input ${input}: ${depth} channels; the weights take ${geometry.channels}.`,
    );
  }
  return { ...given, height, width };
}

function sameClasses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i]);
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}
