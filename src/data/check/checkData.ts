import { countClasses, type DataSet } from "../manifest.ts";
import type { ImageFacts } from "../prepare/facts.ts";
import type { PreparedSet } from "../prepare/prepareImages.ts";
import { findNearDuplicates } from "../split/nearDuplicates.ts";
import type { LabelIssue } from "./labelErrors.ts";

/** Kinds of problems, in the order in which they are reported: what spoils a result comes first. */
export const problemKinds = [
  "corrupt",
  "damaged",
  "leak",
  "label-conflict",
  "duplicate",
  "near-duplicate",
  "label-suspect",
  "imbalance",
  "few-images",
  "odd-size",
  "small",
  "dark",
  "bright",
  "blurred",
  "flat",
  "ignored",
] as const;
export type ProblemKind = (typeof problemKinds)[number];

/** Something the owner of the data should look at. */
export interface Problem {
  readonly kind: ProblemKind;
  /** The images it is about; for pairs and clusters all of them. */
  readonly files: readonly string[];
  /** What was found, with the numbers. */
  readonly detail: string;
}

/** What `data check` prints. */
export interface DataReport {
  readonly images: number;
  readonly classes: readonly { readonly label: string; readonly images: number }[];
  readonly problems: readonly Problem[];
}

export interface CheckOptions {
  /** Mean luma below which an image is dark. Default 20. */
  readonly darkBelow?: number;
  /** Mean luma above which it is bright. Default 240. */
  readonly brightAbove?: number;
  /** Standard deviation of luma below which it shows next to nothing. Default 4. */
  readonly flatBelow?: number;
  /** Shorter side below which it is small. Default: half the wanted input size. */
  readonly smallBelow?: number;
  /** Largest class ÷ smallest class above which they are out of balance. Default 5. */
  readonly maxImbalance?: number;
  /** Suspicious labels to report beside the rest. */
  readonly labelIssues?: readonly LabelIssue[];
}

/**
 * Reports what is wrong or odd with a data set: corrupt and damaged files, copies and near-duplicates
 * (and those across parts or classes), sizes and proportions out of the ordinary, dark, bright, blurred
 * and empty images, classes out of balance, suspicious labels.
 */
export function checkData(prepared: PreparedSet, options: CheckOptions = {}): DataReport {
  const { set, facts, bad } = prepared;
  const counts = countClasses(set);
  const problems: Problem[] = [
    ...bad.map(
      ({ file, message }): Problem => ({ kind: "corrupt", files: [file], detail: message }),
    ),
    ...checkDuplicates(set, facts),
    ...checkBalance(set, counts, options.maxImbalance ?? 5),
    ...checkImages(prepared, options),
    ...(options.labelIssues ?? []).map((issue) => describeLabelIssue(set, issue)),
    ...set.ignored.map(
      ({ file, reason }): Problem => ({ kind: "ignored", files: [file], detail: reason }),
    ),
  ];
  const rank = (problem: Problem): number => problemKinds.indexOf(problem.kind);
  return {
    images: set.items.length,
    classes: set.classes.map((label, index) => ({ label, images: counts[index]! })),
    // Sorting is stable: within a kind the order found stays.
    problems: problems.sort((a, b) => rank(a) - rank(b)),
  };
}

const conflictSimilarity = 0.97;

function checkDuplicates(set: DataSet, facts: readonly (ImageFacts | undefined)[]): Problem[] {
  const problems: Problem[] = [];
  const copies = new Map<string, number[]>();
  facts.forEach((fact, index) => {
    if (fact === undefined) return;
    const same = copies.get(fact.sha256);
    if (same === undefined) copies.set(fact.sha256, [index]);
    else same.push(index);
  });
  const copied = new Set<string>();
  for (const [sha256, indices] of copies) {
    if (indices.length < 2) continue;
    copied.add(sha256);
    problems.push(describeDuplicates(set, indices, "identical copies"));
  }
  for (const { first, second, similarity } of findNearDuplicates(facts)) {
    const [a, b] = [facts[first]!, facts[second]!];
    if (a.sha256 === b.sha256) continue;
    const sameLabel = set.items[first]!.label === set.items[second]!.label;
    // Two things photographed in one place look alike, too; a wrong label needs more evidence.
    if (!sameLabel && similarity < conflictSimilarity) continue;
    problems.push(describeDuplicates(set, [first, second], `similarity ${similarity.toFixed(3)}`));
  }
  return problems;
}

// The same picture under two labels is wrong in one of them; in two parts it is a leak.
function describeDuplicates(set: DataSet, indices: readonly number[], what: string): Problem {
  const items = indices.map((index) => set.items[index]!);
  const files = items.map((item) => item.id);
  const labels = [...new Set(items.map((item) => set.classes[item.label]!))];
  const parts = [...new Set(items.flatMap((item) => item.split ?? []))];
  if (parts.length > 1) return { kind: "leak", files, detail: `${what} in ${parts.join(" and ")}` };
  if (labels.length > 1) {
    const names = labels.map((label) => `"${label}"`).join(" and ");
    return { kind: "label-conflict", files, detail: `${what} with the labels ${names}` };
  }
  return {
    kind: what.startsWith("identical") ? "duplicate" : "near-duplicate",
    files,
    detail: what,
  };
}

function checkBalance(set: DataSet, counts: readonly number[], maxImbalance: number): Problem[] {
  const problems: Problem[] = [];
  const largest = counts.indexOf(Math.max(...counts));
  const smallest = counts.indexOf(Math.min(...counts));
  const ratio = counts[largest]! / Math.max(1, counts[smallest]!);
  if (ratio > maxImbalance) {
    problems.push({
      kind: "imbalance",
      files: [],
      detail: `"${set.classes[largest]}" has ${counts[largest]} images, "${set.classes[smallest]}" ${counts[smallest]} (${ratio.toFixed(1)} times as many)`,
    });
  }
  set.classes.forEach((label, index) => {
    if (counts[index]! < 10) {
      problems.push({
        kind: "few-images",
        files: [],
        detail: `"${label}" has ${counts[index]} images`,
      });
    }
  });
  return problems;
}

function checkImages(prepared: PreparedSet, options: CheckOptions): Problem[] {
  const { set, facts, geometry } = prepared;
  const { darkBelow = 20, brightAbove = 240, flatBelow = 4 } = options;
  const smallBelow = options.smallBelow ?? Math.ceil(Math.min(geometry.width, geometry.height) / 2);
  const known = facts.filter((fact) => fact !== undefined);
  const typicalAspect = median(known.map((fact) => Math.log(fact.width / fact.height)));
  const typicalArea = median(known.map((fact) => Math.log(fact.width * fact.height)));
  const typicalSharpness = median(known.map(relativeSharpness));
  const problems: Problem[] = [];
  facts.forEach((fact, index) => {
    if (fact === undefined) return;
    const add = (kind: ProblemKind, detail: string): void => {
      problems.push({ kind, files: [set.items[index]!.id], detail });
    };
    const { width, height } = fact;
    if (fact.warnings.length > 0) add("damaged", fact.warnings.join("; "));
    const aspect = Math.abs(Math.log(width / height) - typicalAspect);
    const area = Math.abs(Math.log(width * height) - typicalArea);
    if (Math.min(width, height) < smallBelow) {
      add("small", `${width}x${height}; below ${smallBelow} pixels it is mostly enlarged`);
    } else if (aspect > Math.log(2) || area > Math.log(64)) {
      add("odd-size", `${width}x${height}, unlike the rest`);
    }
    // A flat image is also dark or bright and never sharp: one line says it all.
    if (fact.contrast < flatBelow) {
      add(
        "flat",
        `contrast ${fact.contrast.toFixed(1)} at brightness ${fact.brightness.toFixed(0)}`,
      );
      return;
    }
    if (fact.brightness < darkBelow)
      add("dark", `mean brightness ${fact.brightness.toFixed(0)} of 255`);
    if (fact.brightness > brightAbove)
      add("bright", `mean brightness ${fact.brightness.toFixed(0)} of 255`);
    // Sharpness depends on the subject, so an image is held against its own set.
    const sharpness = relativeSharpness(fact);
    if (sharpness < typicalSharpness / 20) {
      add(
        "blurred",
        `sharpness ${sharpness.toFixed(3)}, ${typicalSharpness.toFixed(3)} is usual here`,
      );
    }
  });
  return problems;
}

// The Laplacian grows with contrast; divided by it, a dark or hazy image does not count as blurred.
function relativeSharpness(fact: ImageFacts): number {
  return fact.contrast === 0 ? 0 : fact.sharpness / fact.contrast ** 2;
}

function describeLabelIssue(set: DataSet, issue: LabelIssue): Problem {
  const given = set.classes[issue.given];
  const likely = set.classes[issue.likely];
  return {
    kind: "label-suspect",
    files: [set.items[issue.index]!.id],
    detail: `labelled "${given}" (probability ${issue.givenProbability.toFixed(3)}), looks like "${likely}" (${issue.likelyProbability.toFixed(3)})`,
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
