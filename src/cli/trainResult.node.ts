import { join } from "node:path";
import { TrainingError } from "../core/errors.ts";
import { finishRun } from "../runs/finishRun.node.ts";
import { runFiles } from "../runs/runFolder.node.ts";
import type { StudyOptions } from "../runs/studies.ts";
import { type OpenRun, type RunContext, trainRun } from "../runs/trainRun.node.ts";
import type { Repetition, RunRecord } from "../train/record.ts";
import type { CommandResult } from "./command.ts";
import type { Output } from "./output.node.ts";
import { formatPercent, formatSeconds } from "./quantities.ts";

/** Trains an opened run to its end, judges it, and says what came out. */
export async function completeRun(
  run: OpenRun,
  context: RunContext,
  output: Output,
  studies?: StudyOptions,
): Promise<CommandResult> {
  const { folder } = run;
  const outcome = await trainRun(run, context);
  if (outcome.reason === "interrupted") {
    throw new TrainingError(
      `Stopped after ${outcome.history.length} of ${run.config.plan.epochs} epochs; everything is kept. Go on with: striate resume ${folder}`,
    );
  }
  const { record } = await finishRun(run, outcome, context, studies);
  return {
    document: trainDocument(folder, record),
    text: describe(folder, record, output),
  };
}

/** What `train --json` and `resume --json` print. */
function trainDocument(folder: string, record: RunRecord): object {
  const { val, best, history, train } = record;
  return {
    run: folder,
    model: join(folder, runFiles.model),
    report: join(folder, runFiles.page),
    net: record.net.name,
    variant: record.net.variant,
    input: record.net.input,
    epochs: history.length,
    best: { epoch: best.epoch, val: { accuracy: best.val.accuracy, loss: best.val.loss } },
    val: {
      accuracy: val.accuracy,
      correct: val.correct,
      total: val.total,
      ci95: val.ci95,
      loss: val.loss,
    },
    train: { accuracy: train.accuracy, loss: train.loss },
    baselines: record.baselines,
    folds: record.folds,
    repeats: record.repeats,
    learningCurve: record.learningCurve,
    leak: record.leak,
    weightsSha256: record.weightsSha256,
    seconds: record.seconds,
    imagesPerSecond: record.imagesPerSecond,
  };
}

function describe(folder: string, record: RunRecord, output: Output): string {
  const { val, baselines, seconds, history } = record;
  const [low, high] = val.ci95;
  const range = ([from, to]: readonly [number, number]) =>
    `${formatPercent(from)} to ${formatPercent(to)}`;
  const spread = (name: string, { mean, deviation, runs, pooled }: Repetition) =>
    `\n${name}: mean ${formatPercent(mean)}, deviation ${formatPercent(deviation)} over ${runs.map(({ accuracy }) => formatPercent(accuracy)).join(", ")}${pooled === null ? "" : `\n  together ${pooled.correct} of ${pooled.total} images, 95 % interval ${range(pooled.ci95)}`}`;
  const further = [
    record.folds === null ? "" : spread("Folds", record.folds),
    record.repeats === null ? "" : spread("Seeds", record.repeats),
    record.leak === null
      ? ""
      : `\nA naive split would have shown ${formatPercent(record.leak.naive)} instead of ${formatPercent(record.leak.grouped)} (${record.leak.judge}): ${record.leak.leaked} of its ${record.leak.total} images had a relative (copy, burst, look-alike) in training${record.leak.naive > record.leak.grouped ? "" : "; no gain from that shows here"}`,
  ];
  const simple = baselines.map(({ name, accuracy }) => `${name} ${formatPercent(accuracy)}`);
  return `
Validation accuracy ${output.styledResult("bold", formatPercent(val.accuracy))}: ${val.correct} of ${val.total} images, 95 % interval ${formatPercent(low)} to ${formatPercent(high)}${caveats(record)}
For comparison: ${simple.join(", ")}
${history.length} epochs in ${formatSeconds(seconds)}, ${record.imagesPerSecond.toFixed(0)} images/s${further.join("")}

Report  ${output.styledResult("cyan", join(folder, runFiles.page))}
Model   ${join(folder, runFiles.model)}
Next    striate predict ${folder} photo.jpg`;
}

/** Fewer validation images than this leave an interval too wide to compare anything by. */
const fewImages = 100;

/** What a careful reader of the accuracy should know. */
function caveats({ val, groupedCi95, data, folds, kept, best, history, plan }: RunRecord): string {
  const lines: string[] = [];
  if (groupedCi95 !== null) {
    const [low, high] = groupedCi95;
    lines.push(
      `They are ${data.groups.val} bursts or single images; counted so, the interval is ${formatPercent(low)} to ${formatPercent(high)}`,
    );
  }
  if (kept.rule === "best" && history.length > 1) {
    const last = history.at(-1)!.val;
    lines.push(
      `Epoch ${best.epoch} was picked for its accuracy on these images, which flatters${last === undefined ? "" : `; the last had ${formatPercent(last.accuracy)}`}`,
    );
  }
  if (val.total < fewImages && folds === null && plan.transfer === null) {
    const all = data.images.train + data.images.val;
    lines.push(
      `${val.total} images are few: --folds 5 judges by all ${all}, for five trainings more`,
    );
  }
  return lines.map((line) => `\n  ${line}.`).join("");
}
