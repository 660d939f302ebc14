import type { RunRecord } from "../train/record.ts";
import { escapeHtml, percent, section, table } from "./html.ts";
import { photo, type ReportPicture } from "./pictures.ts";

/** Above this many classes a matrix on a page helps nobody; the commonest confusions are listed instead. */
const mostColumns = 30;

/** Which classes are taken for which, cell by cell, with the pictures behind each. */
export function confusion(record: RunRecord, pictures: readonly ReportPicture[]): string {
  const { val } = record;
  const labels = val.classes.map(({ label }) => label);
  const shown = new Set(pictures.map(({ label, predicted }) => `${label}-${predicted}`));
  const worst = commonest(val.confusion, labels);
  const body =
    labels.length > mostColumns
      ? ""
      : `<p class="soft">Rows: the right class. Columns: what the net said. A cell opens its pictures.</p>${matrix(val.confusion, labels, shown)}`;
  const list =
    worst.length === 0
      ? "<p>No image was taken for another class.</p>"
      : table(["right class", "taken for", "images", "of that class"], worst, [2, 3]);
  const store = pictures
    .map(({ file, label, predicted, confidence, picture }) =>
      photo(
        picture,
        `${escapeHtml(file)}<br><small>${percent(confidence)} sure</small>`,
        ` data-of="${label}-${predicted}"`,
      ),
    )
    .join("");
  return `${section("confusion", "What is taken for what", `${body}<h3>Commonest confusions</h3>${list}`)}
<template id="pictures">${store}</template>
<dialog id="cell"><form method="dialog"><button>Close</button></form><h3></h3><p class="soft">The report holds no pictures of this cell.</p><div class="photos"></div></dialog>`;
}

function matrix(
  counts: readonly ArrayLike<number>[],
  labels: readonly string[],
  shown: ReadonlySet<string>,
): string {
  const head = labels.map((label) => `<th scope="col">${escapeHtml(label)}</th>`).join("");
  const rows = labels.map((label, row) => {
    const cells = Array.from(counts[row]!);
    const total = cells.reduce((sum, count) => sum + count, 0);
    const inner = cells.map((count, column) => {
      const share = total === 0 ? 0 : count / total;
      const colour =
        count === 0
          ? ""
          : row === column
            ? ` style="background:rgba(var(--shade),${(0.15 + 0.7 * share).toFixed(2)})"`
            : ` style="background:color-mix(in srgb,var(--b) ${Math.round(25 + 70 * Math.min(1, 4 * share))}%,transparent)"`;
      const title = `${count} of ${total} “${label}” taken for “${labels[column]}”`;
      const link =
        count > 0 && shown.has(`${row}-${column}`) ? ` data-cell="${row}-${column}"` : "";
      return `<td><button type="button"${count === 0 ? ' class="zero" tabindex="-1"' : ""}${colour}${link} title="${escapeHtml(title)}">${count}</button></td>`;
    });
    return `<tr><th scope="row">${escapeHtml(label)}</th>${inner.join("")}</tr>`;
  });
  return `<div class="scroll"><table class="matrix"><thead><tr><td></td>${head}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`;
}

function commonest(counts: readonly ArrayLike<number>[], labels: readonly string[]): string[][] {
  const found: { row: number; column: number; count: number; total: number }[] = [];
  counts.forEach((cells, row) => {
    const list = Array.from(cells);
    const total = list.reduce((sum, count) => sum + count, 0);
    list.forEach((count, column) => {
      if (row !== column && count > 0) found.push({ row, column, count, total });
    });
  });
  return found
    .sort((a, b) => b.count - a.count || b.count / b.total - a.count / a.total)
    .slice(0, 8)
    .map(({ row, column, count, total }) => [
      escapeHtml(labels[row]!),
      escapeHtml(labels[column]!),
      String(count),
      percent(count / total),
    ]);
}
