import type { RunRecord } from "../train/record.ts";
import { lineChart } from "./chart.ts";
import { escapeHtml, integer, percent, section, table } from "./html.ts";
import { photo, type ReportPictures } from "./pictures.ts";

/** Precision, recall and F1 of each class. */
export function classTable({ val }: RunRecord): string {
  const rows = val.classes.map(({ label, precision, recall, f1, support }) => [
    escapeHtml(label),
    percent(precision),
    percent(recall),
    percent(f1),
    integer(support),
  ]);
  rows.push([
    "<b>mean of classes</b>",
    percent(val.macro.precision),
    percent(val.macro.recall),
    percent(val.macro.f1),
    integer(val.total),
  ]);
  const head = ["class", "precision", "recall", "F1", "images"];
  return section("classes", "Class by class", table(head, rows, [1, 2, 3, 4]));
}

/** The wrong answers that the net was surest of. */
export function mistakes(record: RunRecord, { validation }: ReportPictures): string {
  const labels = record.val.classes.map(({ label }) => label);
  const wrong = validation
    .filter(({ label, predicted }) => label !== predicted)
    .sort((a, b) => b.confidence - a.confidence)
    .slice(0, 24);
  if (wrong.length === 0) {
    return section("mistakes", "Mistakes", "<p>There are none on these images.</p>");
  }
  const items = wrong.map(({ file, label, predicted, confidence, picture }) =>
    photo(
      picture,
      `<span class="wrong">${escapeHtml(labels[predicted]!)}</span> ${percent(confidence, 0)}<br>is ${escapeHtml(labels[label]!)}<br><small>${escapeHtml(file)}</small>`,
    ),
  );
  return section(
    "mistakes",
    "The most confident mistakes",
    `<p class="soft">Worth a look: some may be labelled wrongly.</p><div class="photos">${items.join("")}</div>`,
  );
}

/** Whether probabilities mean what they say, and when to answer “none of these”. */
export function calibrationFigures({ val }: RunRecord): string {
  const { calibration, threshold } = val;
  const filled = calibration.bins.filter(({ count }) => count > 0);
  const chart = lineChart(
    [
      {
        name: "reached",
        style: "a",
        points: filled.flatMap(({ confidence, accuracy }) =>
          confidence === null || accuracy === null ? [] : [[confidence, accuracy] as const],
        ),
      },
    ],
    {
      title: "Accuracy at each confidence",
      xLabel: "confidence",
      format: (v) => percent(v, 0),
      range: [0, 1],
      diagonal: true,
    },
  );
  const text = `<div><p>Expected calibration error <b>${percent(calibration.ece)}</b>: by so much confidence and accuracy differ on average. On the dotted line they would be equal.</p>
<p>“None of these”: answers below a confidence of <b>${percent(threshold.confidence)}</b> are better refused. ${percent(threshold.keptCorrect)} of the right answers stay, ${percent(threshold.refusedWrong)} of the wrong ones go, and ${percent(threshold.accuracy)} of what stays is right. Chosen on known classes; how many foreign images it stops depends on what they show.</p></div>`;
  return section(
    "calibration",
    "Can its confidence be trusted?",
    `<div class="grid2">${chart}${text}</div>`,
  );
}

/** Baselines, folds, seeds, leaks and the learning curve, as far as they were measured. */
export function comparisons(record: RunRecord): string {
  const parts: string[] = [];
  const { val, baselines, leak, folds, repeats, learningCurve } = record;
  const rows = [
    [
      `<b>${escapeHtml(record.net.name)}</b>`,
      "this run",
      `<b>${percent(val.accuracy)}</b>`,
      `${percent(val.ci95[0])} – ${percent(val.ci95[1])}`,
    ],
    ...baselines.map(({ name, detail, accuracy, ci95 }) => [
      escapeHtml(name),
      escapeHtml(detail),
      percent(accuracy),
      `${percent(ci95[0])} – ${percent(ci95[1])}`,
    ]),
  ];
  parts.push(table(["classifier", "", "accuracy", "95 % interval"], rows, [2, 3]));
  for (const [title, group] of [
    ["Folds", folds],
    ["Seeds", repeats],
  ] as const) {
    if (group === null) continue;
    const list = group.runs.map(({ name, accuracy, total }) => [
      escapeHtml(name),
      percent(accuracy),
      integer(total),
    ]);
    const { pooled } = group;
    const together =
      pooled === null
        ? ""
        : `<p>All folds together: ${integer(pooled.correct)} of ${integer(pooled.total)} images right, 95 % interval ${percent(pooled.ci95[0])} to ${percent(pooled.ci95[1])}. Each was judged by a net that had not seen it.</p>`;
    parts.push(
      `<h3>${title}: ${percent(group.mean)} ± ${percent(group.deviation)}</h3>${together}${table(["run", "accuracy", "images"], list, [1, 2])}`,
    );
  }
  if (leak !== null) {
    parts.push(
      `<h3>What a naive split would have shown</h3><p>${integer(leak.leaked)} of ${integer(leak.total)} validation images of a split that ignores bursts and duplicates have a relative in its training part. Judged by ${escapeHtml(leak.judge)}: <b>${percent(leak.naive)}</b> there (${leak.naiveLeaked === null ? "none" : percent(leak.naiveLeaked)} on those with relatives, ${leak.naiveClean === null ? "none" : percent(leak.naiveClean)} on the others), <b>${percent(leak.grouped)}</b> on this run's split, which keeps relatives together${leak.naive > leak.grouped ? "" : "; no gain from them shows here"}.</p>`,
    );
  }
  if (learningCurve !== null) {
    const chart = lineChart(
      [
        {
          name: "validation",
          style: "a",
          points: learningCurve.map(({ images, val: level }) => [images, level.accuracy] as const),
        },
      ],
      { title: "Would more photos help?", xLabel: "training images", format: (v) => percent(v, 0) },
    );
    parts.push(`<div class="grid2">${chart}</div>`);
  }
  return section("comparisons", "What the number is worth", parts.join(""));
}

/** Training images as they are and as the net sees them. */
export function samples({ samples: images, augmented }: ReportPictures): string {
  if (images.length === 0 && augmented.length === 0) return "";
  const plain = images.map(({ label, picture }) => photo(picture, escapeHtml(label))).join("");
  const strips = augmented
    .map(
      ({ picture, versions }) =>
        `<div class="strip">${[picture, ...versions].map((p) => `<img src="${escapeHtml(p)}" alt="">`).join("")}</div>`,
    )
    .join("");
  const changed =
    strips === ""
      ? ""
      : `<h3>After augmentation</h3><p class="soft">The original first, then what training made of it.</p>${strips}`;
  return section("samples", "The data", `<div class="photos">${plain}</div>${changed}`);
}
