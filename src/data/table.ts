import { DataError } from "../core/errors.ts";
import { extensionOf, type FileTree, normalizePath } from "./fileTree.ts";
import { sourceOf } from "./imageFolder.ts";
import {
  createDataSet,
  type DataSet,
  type NamedItem,
  type SplitName,
  splitNames,
} from "./manifest.ts";

interface Row {
  readonly line: number;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Opens data listed in a CSV or JSON-lines file with the columns `file`, `label` and, if wanted,
 * `split` (`train`, `val`, `test`) and `group`. Paths are relative to the list and stay inside its
 * folder. A file that is listed but not there is a bad file, found when it is read, not an error here.
 *
 * @throws DataError for a missing column, rows without a label, an unknown split, or a path that
 *   leaves the folder; always with the line.
 */
export async function openTable(tree: FileTree, path: string): Promise<DataSet> {
  const file = tree.files.find((entry) => entry.path === path);
  if (file === undefined) throw new DataError(`data "${tree.name}": there is no list "${path}".`);
  const isCsv = extensionOf(path) !== "jsonl";
  const text = new TextDecoder().decode(await file.read()).replace(/^\uFEFF/, "");
  const where = `${tree.name}/${path}`;
  const rows = isCsv ? readCsv(text, where) : readJsonLines(text, where);
  if (rows.length === 0)
    throw new DataError(`${where}: the list is empty; expected rows of file,label.`);
  const unlabelled = rows.filter((row) => (row.fields.label ?? "").trim() === "");
  if (unlabelled.length > 0) {
    const lines = unlabelled
      .slice(0, 10)
      .map((row) => row.line)
      .join(", ");
    throw new DataError(
      `${where}: ${unlabelled.length} of ${rows.length} rows have no label (line ${lines}${unlabelled.length > 10 ? ", …" : ""}); label them or take them out.`,
    );
  }
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  const entries = new Map(tree.files.map((entry) => [entry.path, entry]));
  const items = rows.map(({ line, fields }): NamedItem => {
    const at = `${where}: line ${line}`;
    const id = folder + normalizePath((fields.file ?? "").trim(), at);
    const entry = entries.get(id);
    const split = readSplit(fields.split, at);
    const group = fields.group?.trim();
    return {
      id,
      label: fields.label!.trim(),
      source: entry === undefined ? missing(id, at) : sourceOf(entry),
      ...(split === undefined ? {} : { split }),
      ...(group === undefined || group === "" ? {} : { group }),
    };
  });
  if (items.every((item) => !entries.has(item.id))) {
    throw new DataError(
      `${where}: none of its ${items.length} files is there (the first is "${items[0]!.id}"); paths are relative to the list.`,
    );
  }
  return createDataSet({
    name: tree.name,
    format: isCsv ? "csv" : "jsonl",
    items,
    ...(tree.root === undefined ? {} : { root: tree.root }),
  });
}

/** Whether a file can be such a list: its first line names the columns `file` and `label`. */
export async function isTable(tree: FileTree, path: string): Promise<boolean> {
  const extension = extensionOf(path);
  const file = tree.files.find((entry) => entry.path === path);
  if (file === undefined || !["csv", "jsonl"].includes(extension)) return false;
  const text = new TextDecoder().decode(await file.read()).replace(/^\uFEFF/, "");
  const firstLine = text.slice(0, (text.indexOf("\n") + 1 || text.length + 1) - 1);
  return /\bfile\b/i.test(firstLine) && /\blabel\b/i.test(firstLine);
}

function missing(id: string, where: string): NamedItem["source"] {
  return {
    kind: "file",
    sizeBytes: 0,
    read: () =>
      Promise.reject(new DataError(`${id}: there is no such file, but ${where} lists it.`)),
  };
}

function readSplit(value: string | undefined, where: string): SplitName | undefined {
  const name = value?.trim().toLowerCase() ?? "";
  if (name === "") return undefined;
  const split = splitNames.find((candidate) => candidate === name);
  if (split === undefined) {
    throw new DataError(`${where}: split "${value}"; expected train, val or test, or nothing.`);
  }
  return split;
}

function readJsonLines(text: string, where: string): Row[] {
  const rows: Row[] = [];
  text.split("\n").forEach((content, index) => {
    if (content.trim() === "") return;
    const line = index + 1;
    let value: unknown;
    try {
      value = JSON.parse(content);
    } catch (error) {
      throw new DataError(
        `${where}: line ${line}: this is not JSON (${(error as Error).message}).`,
      );
    }
    if (typeof value !== "object" || value === null || !("file" in value)) {
      throw new DataError(
        `${where}: line ${line}: expected an object as {"file": "1.jpg", "label": "cat"}.`,
      );
    }
    const fields: Record<string, string> = {};
    for (const [key, field] of Object.entries(value)) {
      if (field !== null && field !== undefined) fields[key] = String(field);
    }
    rows.push({ line, fields });
  });
  return rows;
}

function readCsv(text: string, where: string): Row[] {
  const firstLine = text.slice(0, text.indexOf("\n") < 0 ? text.length : text.indexOf("\n"));
  // Spreadsheets write what their country calls comma-separated.
  const separator = [",", ";", "\t"].find((candidate) => firstLine.includes(candidate)) ?? ",";
  const records = splitCsv(text, separator, where);
  const header = records.shift();
  const names = header?.values.map((name) => name.trim().toLowerCase()) ?? [];
  for (const needed of ["file", "label"]) {
    if (!names.includes(needed)) {
      throw new DataError(
        `${where}: line 1: no column "${needed}" (columns: ${names.join(", ") || "none"}); expected file,label and, if wanted, split,group.`,
      );
    }
  }
  return records.map(({ line, values }) => ({
    line,
    fields: Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""])),
  }));
}

/** RFC 4180: quoted fields may hold separators, line breaks and doubled quotes. */
function splitCsv(
  text: string,
  separator: string,
  where: string,
): { line: number; values: string[] }[] {
  const records: { line: number; values: string[] }[] = [];
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const start = line;
    const values: string[] = [];
    for (;;) {
      let value = "";
      if (text[at] === '"') {
        at++;
        for (;;) {
          const quote = text.indexOf('"', at);
          if (quote < 0) {
            throw new DataError(`${where}: line ${start}: a quoted field is never closed.`);
          }
          value += text.slice(at, quote);
          at = quote + 1;
          if (text[at] !== '"') break;
          value += '"';
          at++;
        }
        line += value.split("\n").length - 1;
      }
      const rest = at;
      while (at < text.length && text[at] !== separator && text[at] !== "\n") at++;
      values.push(value + text.slice(rest, at).replace(/\r$/, ""));
      if (text[at] !== separator) break;
      at++;
    }
    at++;
    line++;
    if (values.length > 1 || values[0] !== "") records.push({ line: start, values });
  }
  return records;
}
