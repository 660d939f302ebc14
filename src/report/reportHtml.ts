import type { RunRecord } from "../train/record.ts";
import { dataTable, network, repetition } from "./background.ts";
import { confusion } from "./confusion.ts";
import { curves } from "./curves.ts";
import { calibrationFigures, classTable, comparisons, mistakes, samples } from "./figures.ts";
import { headline } from "./headline.ts";
import { page } from "./html.ts";
import type { ReportPictures } from "./pictures.ts";
import { script } from "./script.ts";

export type { ReportPicture, ReportPictures } from "./pictures.ts";

/**
 * The report of a run as one HTML page that needs nothing else; every text that comes from data is escaped.
 */
export function renderReport(record: RunRecord, pictures: ReportPictures): string {
  const body = [
    headline(record),
    curves(record),
    confusion(record, pictures.validation),
    mistakes(record, pictures),
    classTable(record),
    comparisons(record),
    calibrationFigures(record),
    samples(pictures),
    dataTable(record),
    network(record),
    repetition(record),
  ];
  return page(
    `${record.name}: ${(record.val.accuracy * 100).toFixed(1)} %`,
    body.join("\n"),
    script,
  );
}
