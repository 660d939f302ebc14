import type { z } from "zod";
import { lookUp, OptionError } from "../../core/errors.ts";
import type { Augmentation, AugmentationKind, BatchAugmentation } from "./augmentation.ts";
import { augmentations, batchAugmentations } from "./index.ts";
import { oneOf } from "./mixing.ts";

/** One step of an augmentation as configuration files write it: a name and its options. */
export type AugmentationSpec =
  | string
  | { readonly name: string; readonly [option: string]: unknown };

/** What {@link parseAugmentations} makes of a configuration; goes into the options of `createBatches`. */
export interface AugmentationPlan {
  readonly augmentations: readonly Augmentation[];
  readonly batchAugmentations: readonly BatchAugmentation[];
  /** Every step with all its options, defaults included; parses to the same plan again. */
  readonly specs: readonly { readonly name: string; readonly [option: string]: unknown }[];
}

/**
 * Reads augmentations from a list of specs or from text, in the order in which they are applied:
 * `horizontalFlip, randomCrop(padding=4), colorJitter(brightness=0.4, hue=0.1), mixup`. A range is
 * written `0.5..1`; `none` or nothing is no augmentation. With both `mixup` and `cutmix`, each batch
 * gets one of them.
 *
 * @throws OptionError for a name or option that does not exist, or a value outside its range.
 */
export function parseAugmentations(config: string | readonly AugmentationSpec[]): AugmentationPlan {
  const list = typeof config === "string" ? parseText(config) : config;
  const images: Augmentation[] = [];
  const batches: BatchAugmentation[] = [];
  const specs: { name: string; [option: string]: unknown }[] = [];
  for (const entry of list) {
    const { name, ...given } = typeof entry === "string" ? { name: entry } : entry;
    if (Object.hasOwn(batchAugmentations, name)) {
      const kind: AugmentationKind<z.ZodObject, BatchAugmentation> =
        batchAugmentations[name as keyof typeof batchAugmentations];
      const options = checkOptions(name, kind.options(), given);
      batches.push(kind.create(options));
      specs.push({ name, ...options });
    } else {
      const table: Readonly<
        Record<string, AugmentationKind | AugmentationKind<z.ZodObject, BatchAugmentation>>
      > = { ...augmentations, ...batchAugmentations };
      lookUp(table, name, "augmentation");
      const kind: AugmentationKind = augmentations[name as keyof typeof augmentations];
      const options = checkOptions(name, kind.options(), given);
      images.push(kind.create(options));
      specs.push({ name, ...options });
    }
  }
  return {
    augmentations: images,
    batchAugmentations: batches.length > 1 ? [oneOf(batches)] : batches,
    specs,
  };
}

function checkOptions(
  name: string,
  schema: z.ZodObject,
  given: Record<string, unknown>,
): Record<string, unknown> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const known = Object.keys(schema.shape).join(", ");
  const problems = result.error.issues.map((issue) =>
    issue.code === "unrecognized_keys"
      ? `no option "${issue.keys.join('", "')}"`
      : `${issue.path.join(".")} ${JSON.stringify(given[String(issue.path[0])])}: ${issue.message}`,
  );
  throw new OptionError(
    `augmentation "${name}": ${problems.join("; ")}. Options: ${known || "none"}.`,
  );
}

function parseText(text: string): AugmentationSpec[] {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "none") return [];
  if (trimmed.startsWith("[")) return parseJson(trimmed);
  const specs: AugmentationSpec[] = [];
  const pattern = /\s*([A-Za-z]+)\s*(?:\(([^()]*)\))?\s*(?:,|$)/y;
  while (pattern.lastIndex < trimmed.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(trimmed);
    if (match === null) {
      throw new OptionError(
        `augmentations: cannot read "${trimmed.slice(at)}"; expected name(option=value, …), as horizontalFlip, randomCrop(padding=4).`,
      );
    }
    specs.push({ name: match[1]!, ...parseOptions(match[1]!, match[2] ?? "") });
  }
  return specs;
}

function parseJson(text: string): AugmentationSpec[] {
  try {
    return JSON.parse(text) as AugmentationSpec[];
  } catch (error) {
    throw new OptionError(`augmentations: this is no JSON list: ${(error as Error).message}.`);
  }
}

function parseOptions(name: string, text: string): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const part of text.split(",").filter((piece) => piece.trim() !== "")) {
    const [key, value, ...more] = part.split("=").map((piece) => piece.trim());
    if (key === undefined || value === undefined || more.length > 0) {
      throw new OptionError(
        `augmentation "${name}": cannot read "${part.trim()}"; expected option=value.`,
      );
    }
    const range = /^(.+?)\.\.(.+)$/.exec(value);
    options[key] =
      range === null ? parseValue(value) : [parseValue(range[1]!), parseValue(range[2]!)];
  }
  return options;
}

function parseValue(text: string): unknown {
  if (text === "true" || text === "false") return text === "true";
  const number = Number(text);
  return text !== "" && Number.isFinite(number) ? number : text;
}
