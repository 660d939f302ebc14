/** A line of a CSV file; numbers with five digits. */
export function csvLine(cells: readonly (string | number)[]): string {
  const texts = cells.map((cell) => {
    if (typeof cell === "number") {
      return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(5)));
    }
    return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
  });
  return `${texts.join(",")}\n`;
}

/** The rows of a CSV file by the names of its first line. */
export function parseCsv(text: string): Record<string, string>[] {
  const [head, ...rows] = text.trimEnd().split("\n").map(cellsOf);
  return rows.map((cells) => Object.fromEntries(head!.map((name, i) => [name, cells[i] ?? ""])));
}

function cellsOf(line: string): string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'),
  );
}
