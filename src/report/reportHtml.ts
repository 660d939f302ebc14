import type { RunRecord } from "../train/record.ts";
import { dataTable, network, repetition } from "./background.ts";
import { confusion } from "./confusion.ts";
import { curves } from "./curves.ts";
import { calibrationFigures, classTable, comparisons, mistakes, samples } from "./figures.ts";
import { headline } from "./headline.ts";
import { escapeHtml } from "./html.ts";
import type { ReportPictures } from "./pictures.ts";
import { script } from "./script.ts";
import { style } from "./style.ts";

export type { ReportPicture, ReportPictures } from "./pictures.ts";

/**
 * The report of a run as one HTML page that needs nothing else: no network, no other file. A policy in its head
 * forbids it to load anything, and every text that comes from data is escaped.
 */
export function renderReport(record: RunRecord, pictures: ReportPictures): string {
  const policy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
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
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta http-equiv="Content-Security-Policy" content="${policy}"><title>${escapeHtml(record.name)}: ${(record.val.accuracy * 100).toFixed(1)} %</title><style>${style}</style></head>
<body><main>${body.join("\n")}</main><script>${script}</script></body></html>
`;
}
