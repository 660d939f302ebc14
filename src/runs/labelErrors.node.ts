import { type LabelIssue, rankLabelErrors } from "../data/check/labelErrors.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import { findGroups } from "../data/split/groups.ts";
import { choosePlan } from "./choosePlan.ts";
import { foldPredictions } from "./folds.ts";
import { normalizationOf } from "./prepareData.node.ts";
import type { RunContext } from "./trainRun.node.ts";

const folds = 4;
/** Rough minutes for all folds together. */
const minutes = 5;

/**
 * Looks for labels that are probably wrong: small nets are trained so that each image is judged by one that has
 * not seen it, and images of which another class is believed are ranked.
 */
export async function findLabelErrors(
  prepared: PreparedSet,
  seed: number,
  context: RunContext,
): Promise<LabelIssue[]> {
  const { set, geometry } = prepared;
  const scan = {
    shorterSide: Math.min(geometry.width, geometry.height),
    commonSize: undefined,
    isGrey: geometry.channels === 1,
  };
  const input = `${geometry.height}x${geometry.width}x${geometry.channels}`;
  const options = { input, minutes: minutes / folds };
  const { plan } = choosePlan(set, scan, options, seed);
  const { weighClasses: _, ...rest } = plan;
  const all = set.items.map((_, index) => index);
  const full = {
    ...rest,
    geometry,
    normalization: await normalizationOf(prepared, all),
    classWeights: null,
  };
  const groups = findGroups(set, prepared.facts);
  const rows = await foldPredictions({ prepared, groups }, full, folds, context);
  const classes = set.classes.length;
  const predictions = rows.flatMap(({ predictions: own }) => own);
  const indexOf = new Map(set.items.map(({ id }, index) => [id, index]));
  const probabilities = new Float32Array(predictions.length * classes);
  predictions.forEach((row, i) => {
    probabilities.set(row.probabilities, i * classes);
  });
  return rankLabelErrors(
    predictions.map(({ file }) => indexOf.get(file)!),
    predictions.map(({ label }) => label),
    probabilities,
    classes,
  );
}
