import { DataError } from "../../core/errors.ts";
import { type DataSet, type SplitName, splitNames } from "../manifest.ts";
import type { Groups } from "./groups.ts";
import type { Split } from "./splitData.ts";

/**
 * A split as text, one JSON object per image: `{"file", "label", "split", "group"}`. It is a manifest
 * as well: a data set opens from it. `group` is there for images that are not alone in theirs.
 */
export function formatSplit(set: DataSet, split: Split, groups: Groups): string {
  const sizes = new Int32Array(groups.count);
  const names = new Map<number, string>();
  set.items.forEach((item, index) => {
    const group = groups.of[index]!;
    sizes[group]!++;
    if (item.group !== undefined && !names.has(group)) names.set(group, item.group);
  });
  const partOf = new Map<number, SplitName>();
  for (const name of splitNames) for (const index of split[name]) partOf.set(index, name);
  const lines = set.items.map((item, index) => {
    const group = groups.of[index]!;
    return JSON.stringify({
      file: item.id,
      label: set.classes[item.label],
      split: partOf.get(index),
      ...(sizes[group]! > 1 ? { group: names.get(group) ?? `g${group}` } : {}),
    });
  });
  return `${lines.join("\n")}\n`;
}

/**
 * The split that {@link formatSplit} wrote, for the same set. Images that are new since then are in no
 * part; the notes say how many.
 *
 * @throws DataError when a line cannot be read, or an image of the file is not in the set any more.
 */
export function parseSplit(text: string, set: DataSet, where = "split.jsonl"): Split {
  const indexOf = new Map(set.items.map((item, index) => [item.id, index]));
  const parts: Record<SplitName, number[]> = { train: [], val: [], test: [] };
  const missing: string[] = [];
  text.split("\n").forEach((line, at) => {
    if (line.trim() === "") return;
    const { file, split } = parseLine(line, `${where}: line ${at + 1}`);
    const index = indexOf.get(file);
    if (index === undefined) missing.push(file);
    else {
      parts[split].push(index);
      indexOf.delete(file);
    }
  });
  if (missing.length > 0) {
    throw new DataError(
      `${where}: ${missing.length} of its images are not in data "${set.name}" any more (the first: "${missing[0]}"); bring them back or split anew.`,
    );
  }
  const { size } = indexOf;
  const notes =
    size === 0
      ? []
      : [`${size} image${size === 1 ? " is" : "s are"} newer than the split and in no part.`];
  return { ...parts, notes };
}

function parseLine(line: string, where: string): { file: string; split: SplitName } {
  let value: { file?: unknown; split?: unknown };
  try {
    value = JSON.parse(line) as typeof value;
  } catch (error) {
    throw new DataError(`${where}: this is not JSON (${(error as Error).message}).`);
  }
  const split = splitNames.find((name) => name === value.split);
  if (typeof value.file !== "string" || split === undefined) {
    throw new DataError(`${where}: expected a "file" and a "split" of train, val or test.`);
  }
  return { file: value.file, split };
}
