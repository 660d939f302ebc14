import { z } from "zod";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import { readModel } from "../../runs/trainedModel.node.ts";
import { judgeModel } from "../../runs/useModel.node.ts";
import { formatPredictions } from "../../train/predictions.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { formatPercent } from "../quantities.ts";
import { runProgress } from "../runProgress.ts";
import { textTable } from "../table.ts";

const { seed: _, ...computing } = engineOptions;
const confusedShown = 10;

/** `striate eval`: accuracy of a model on labelled images, with all tables. */
export const evalCommand = defineCommand({
  summary: "Judge a model on labelled images.",
  details:
    "Where the data has parts, its test part is used, or else its validation part; --part names another. For the data that the\nmodel was trained on these are the parts of its run.",
  arguments: [
    { name: "model", description: "folder of a model or of a run" },
    { name: "data", description: "folder or manifest of labelled images" },
  ],
  options: z.object({
    part: z.enum(["train", "val", "test", "all"]).optional().describe("part of the data to use"),
    onBad: z
      .enum(["skip", "stop"])
      .default("skip")
      .describe("what to do with files that cannot be decoded"),
    predictions: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("write the table of predictions there, as JSON lines"),
    ...computing,
    ...commonOptions,
  }),
  examples: [
    "striate eval runs/photos test-photos/",
    "striate eval runs/photos/model photos/ --part test --json",
  ],
  async run(
    { output, signal },
    [path = "", data = ""],
    { part, onBad, predictions, threads, backend, winograd },
  ) {
    const model = await readModel(path);
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    const judged = await judgeModel(model, path, data, { part, onBad }, context);
    for (const { message } of judged.bad) output.warn(`left out: ${message}`);
    if (predictions !== undefined) {
      await writeFileAtomic(predictions, formatPredictions(judged.predictions, model.classes));
    }
    const { evaluation, trainedOn } = judged;
    if (trainedOn !== null && trainedOn > 0 && part !== "train") {
      output.warn(
        output.styled(
          "yellow",
          `${trainedOn} of these ${evaluation.total} images were trained on, so this says little of new ones; --part val takes those that were kept apart.`,
        ),
      );
    }
    const { accuracy, top5, correct, total, ci95, loss, classes, confusion, calibration } =
      evaluation;
    const classRows = classes.map(({ label, precision, recall, f1, support }) => [
      label,
      formatPercent(precision),
      formatPercent(recall),
      formatPercent(f1),
      String(support),
    ]);
    const right = (title: string) => ({ title, align: "right" as const });
    const table = textTable(
      [{ title: "class" }, right("precision"), right("recall"), right("F1"), right("images")],
      classRows,
    );
    const text = `Accuracy ${output.styledResult("bold", formatPercent(accuracy))}: ${correct} of ${total} images (${judged.part}), 95 % interval ${formatPercent(ci95[0])} to ${formatPercent(ci95[1])}
Top-5 ${formatPercent(top5)}, log-loss ${loss.toFixed(4)}, calibration error ${formatPercent(calibration.ece)}

${table}
${mostConfused(confusion, model.classes)}`;
    return {
      document: {
        accuracy,
        top5,
        correct,
        total,
        ci95,
        loss,
        classes,
        macro: evaluation.macro,
        confusion,
        calibration,
        threshold: evaluation.threshold,
        part: judged.part,
        labels: model.classes,
        trainedOn,
        bad: judged.bad,
      },
      text,
    };
  },
});

function mostConfused(
  confusion: readonly (readonly number[])[],
  classes: readonly string[],
): string {
  const pairs = confusion.flatMap((row, label) =>
    row.flatMap((count, predicted) =>
      label !== predicted && count > 0 ? [{ label, predicted, count }] : [],
    ),
  );
  if (pairs.length === 0) return "";
  pairs.sort((a, b) => b.count - a.count);
  const lines = pairs
    .slice(0, confusedShown)
    .map(
      ({ label, predicted, count }) =>
        `  ${count} x ${classes[label]} taken for ${classes[predicted]}`,
    );
  return `\nMost confused\n${lines.join("\n")}`;
}
