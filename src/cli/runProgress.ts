import { totalBytes } from "../plan/backend.ts";
import type { Phase, RunEvent, RunListener } from "../runs/runEvent.ts";
import { memoryFitText } from "../train/fitMemory.ts";
import type { TrainingEvent } from "../train/runTraining.ts";
import type { Output } from "./output.node.ts";
import { formatBytes, formatPercent, formatSeconds } from "./quantities.ts";

const phaseNames: Readonly<Record<Phase, string>> = {
  scan: "looking at the images",
  decode: "decoding",
  codes: "computing codes",
  validate: "validating",
  baselines: "baselines",
  folds: "folds",
  report: "report",
};

const badShown = 10;

/** Tells a person at a terminal what a run does. */
export function runProgress(output: Output): RunListener {
  const training = trainingProgress(output);
  return (event) => {
    switch (event.type) {
      case "progress":
        output.progress(`${phaseNames[event.phase]} ${event.done}/${event.total}`);
        break;
      case "note":
        output.note(event.text);
        break;
      case "data":
        showData(output, event);
        break;
      case "plan":
        if (event.choices.length === 0) break;
        output.note(output.styled("bold", "Chosen for this data"));
        for (const { what, value, why } of event.choices) {
          output.note(
            `  ${what}: ${output.styled("cyan", value)} ${output.styled("dim", `(${why})`)}`,
          );
        }
        break;
      case "training":
        training(event.event, event.epochs);
        break;
      case "trained":
        output.clearProgress();
        if (event.outcome.reason === "early") {
          output.note("Stopped early: validation did not improve any more.");
        }
        break;
    }
  };
}

function showData(output: Output, event: Extract<RunEvent, { type: "data" }>): void {
  const { name, classes, train, val, test, bad, notes } = event;
  const parts = [
    `${train} to train`,
    `${val} to validate`,
    ...(test > 0 ? [`${test} to test`] : []),
  ];
  output.note(
    `${output.styled("bold", name)}: ${train + val + test} images of ${classes.length} classes: ${parts.join(", ")}`,
  );
  if (bad.length > 0) {
    const files =
      bad.length === 1
        ? "1 file cannot be used and is"
        : `${bad.length} files cannot be used and are`;
    output.warn(output.styled("yellow", `${files} left out:`));
    for (const { message } of bad.slice(0, badShown)) output.warn(`  ${message}`);
    if (bad.length > badShown)
      output.warn(`  and ${bad.length - badShown} more; the report lists all`);
  }
  for (const note of notes) output.warn(output.styled("yellow", note));
}

function trainingProgress(output: Output): (event: TrainingEvent, epochs: number) => void {
  let loss = Number.NaN;
  let speed = 0;
  let secondsPerEpoch = 0;
  return (event, epochs) => {
    if (event.type === "estimate") {
      const { memory, seconds, fit } = event.estimate;
      ({ secondsPerEpoch } = event.estimate);
      if (fit !== undefined) output.note(output.styled("yellow", memoryFitText(fit)));
      output.note(
        `Training will take about ${formatSeconds(seconds)} and ${formatBytes(totalBytes(memory))} of memory.`,
      );
    } else if (event.type === "step") {
      // Averages over some steps, so that the numbers can be read.
      loss = Number.isNaN(loss) ? event.loss : 0.9 * loss + 0.1 * event.loss;
      speed = speed === 0 ? event.imagesPerSecond : 0.9 * speed + 0.1 * event.imagesPerSecond;
      const { position, batchesPerEpoch } = event;
      const done = position.epoch + position.batch / batchesPerEpoch;
      output.progress(
        `epoch ${position.epoch + 1}/${epochs} ${position.batch}/${batchesPerEpoch}  loss ${loss.toFixed(3)}  ${speed.toFixed(0)} images/s  ${formatSeconds((epochs - done) * secondsPerEpoch)} left`,
      );
    } else if (event.type === "epoch") {
      const { record, isBest } = event;
      secondsPerEpoch = record.seconds;
      const { epoch, train, val, lr, imagesPerSecond } = record;
      const validation =
        val === undefined
          ? ""
          : `  val loss ${val.loss.toFixed(3)} accuracy ${formatPercent(val.accuracy)}`;
      const width = String(epochs).length;
      output.note(
        `epoch ${String(epoch).padStart(width)}/${epochs}  loss ${train.loss.toFixed(3)} accuracy ${formatPercent(train.accuracy)}${validation}  lr ${lr.toPrecision(3)}  ${imagesPerSecond.toFixed(0)} images/s${isBest ? output.styled("green", "  best") : ""}`,
      );
    }
  };
}
