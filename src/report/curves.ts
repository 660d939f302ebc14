import type { RunRecord } from "../train/record.ts";
import { lineChart, type Series } from "./chart.ts";
import { percent, section } from "./html.ts";

/** Loss, accuracy and learning rate over the epochs. */
export function curves(record: RunRecord): string {
  const { history, kept } = record;
  const over = (
    name: string,
    style: "a" | "b",
    value: (row: (typeof history)[number]) => number | undefined,
  ): Series => ({
    name,
    style,
    points: history.flatMap((row) => {
      const y = value(row);
      return y === undefined ? [] : [[row.epoch, y] as const];
    }),
  });
  const mark = { x: kept.epoch, label: kept.rule === "best" ? "kept" : "last" };
  const charts = [
    lineChart(
      [
        over("validation", "a", (r) => r.val?.accuracy),
        over("training (augmented)", "b", (r) => r.train.accuracy),
      ],
      {
        title: "Accuracy",
        xLabel: "epoch",
        format: (v) => percent(v, 0),
        mark,
      },
    ),
    lineChart(
      [
        over("validation", "a", (r) => r.val?.loss),
        over("training (augmented)", "b", (r) => r.train.loss),
      ],
      {
        title: "Loss",
        xLabel: "epoch",
        format: (v) => v.toFixed(2),
        mark,
      },
    ),
    lineChart([over("rate", "a", (r) => r.lr)], {
      title: "Learning rate",
      xLabel: "epoch",
      format: (v) => (v === 0 ? "0" : v.toPrecision(2)),
    }),
  ];
  const explanation =
    '<p class="soft">Training figures are those of the batches as they were trained, with augmentation, dropout and label smoothing, so they may lie below those on validation.</p>';
  return section(
    "curves",
    "How it learned",
    `<div class="grid2 three">${charts.join("")}</div>${explanation}`,
  );
}
