import { parse, stringify } from "yaml";
import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { checkedJson } from "../checkedJson.ts";

/** A model card, the `README.md` of a model folder: facts for machines, text for people. */
export interface ModelCard {
  /** The YAML between the `---` lines: `license`, `tags`, `datasets`, `model-index`, … */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Markdown. */
  readonly text: string;
}

/** Longest YAML that is read; the hub's own limit for a card is far below. */
const maxFactsCharacters = 2 ** 15;

/** The content of `README.md`. */
export function encodeModelCard(card: ModelCard): string {
  return `---\n${stringify(card.facts)}---\n\n${card.text.trim()}\n`;
}

/** Reads a `README.md`; one without YAML has no facts. */
export function parseModelCard(markdown: string, where: string): ModelCard {
  const lines = /^---[ \t]*\r?\n/.exec(markdown);
  if (lines === null) return { facts: {}, text: markdown.trim() };
  const start = lines[0].length;
  const end = markdown.slice(start, start + maxFactsCharacters).search(/^---[ \t]*$/m);
  if (end < 0) {
    throw new FormatError(
      `${where}: its YAML does not end within ${maxFactsCharacters} characters; expected a line "---".`,
    );
  }
  const text = markdown.slice(markdown.indexOf("---", start + end) + 3).trim();
  return { facts: parseFacts(markdown.slice(start, start + end), where), text };
}

function parseFacts(yaml: string, where: string): Record<string, unknown> {
  let facts: unknown;
  try {
    facts = parse(yaml, { maxAliasCount: 10, logLevel: "error" });
  } catch (error) {
    throw new FormatError(`${where}: its YAML cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return checkedJson(z.record(z.string(), z.unknown()), facts ?? {}, where, "a model card");
}
