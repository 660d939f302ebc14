import { OptionError } from "../core/errors.ts";

/** A name from a table with options: `momentum(momentum=0.9)`. */
export interface NamedOptions {
  readonly name: string;
  readonly options: Readonly<Record<string, number | boolean | string | readonly number[]>>;
}

/**
 * Reads `name` or `name(option=value, …)`; values are numbers, `true`, `false`, words, or numbers joined
 * by `+` (`milestones=30+60`).
 *
 * @throws OptionError where the text is something else.
 */
export function parseNamedOptions(text: string, what: string): NamedOptions {
  const match = /^\s*([A-Za-z]\w*)\s*(?:\(([^()]*)\))?\s*$/.exec(text);
  if (match === null) {
    throw new OptionError(`${what} "${text}": expected a name, or name(option=value, …).`);
  }
  const options: Record<string, number | boolean | string | readonly number[]> = {};
  for (const part of (match[2] ?? "").split(",")) {
    if (part.trim() === "") continue;
    const [key = "", value = "", ...more] = part.split("=").map((piece) => piece.trim());
    if (key === "" || value === "" || more.length > 0) {
      throw new OptionError(
        `${what} "${text}": cannot read "${part.trim()}"; expected option=value.`,
      );
    }
    options[key] = parseValue(value);
  }
  return { name: match[1]!, options };
}

/** The text that {@link parseNamedOptions} reads as the same. */
export function formatNamedOptions({ name, options }: NamedOptions): string {
  const parts = Object.entries(options).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? value.join("+") : String(value)}`,
  );
  return parts.length === 0 ? name : `${name}(${parts.join(", ")})`;
}

function parseValue(text: string): number | boolean | string | readonly number[] {
  if (text === "true" || text === "false") return text === "true";
  if (Number.isFinite(Number(text))) return Number(text);
  const list = text.split("+").map(Number);
  return list.length > 1 && list.every(Number.isFinite) ? list : text;
}
