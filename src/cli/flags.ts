import { z } from "zod";
import { nearest } from "../core/errors.ts";
import { UsageError } from "./usageError.ts";

/** A flag as the help shows it, derived from one key of an options schema. */
export interface Flag {
  /** The key in the schema and in configuration files: `labelSmoothing`. */
  readonly key: string;
  /** `label-smoothing`. */
  readonly name: string;
  readonly kind: "boolean" | "value" | "list";
  /** `N`, `DIR`, `auto|wasm|reference`; empty for booleans. */
  readonly placeholder: string;
  readonly description: string;
  /** What is taken without the flag, where that is a fixed value. */
  readonly fallback: unknown;
  /** Whether text that reads as a number is meant as one. */
  readonly numeric: boolean;
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly default?: unknown;
  readonly description?: string;
  readonly placeholder?: string;
}

/** The flags of a schema, in its order. */
export function flagsOf(schema: z.ZodObject): Flag[] {
  const described = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const properties = (described.properties ?? {}) as Record<string, JsonSchema>;
  return Object.entries(properties).map(([key, property]) => {
    const kind = isOfType(property, "boolean")
      ? "boolean"
      : isOfType(property, "array")
        ? "list"
        : "value";
    const values = kind === "list" ? (property.items ?? property) : property;
    return {
      key,
      name: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      kind,
      placeholder: kind === "boolean" ? "" : placeholderOf(property, values, kind === "list"),
      description: property.description ?? "",
      fallback: property.default,
      numeric: isOfType(values, "number") || isOfType(values, "integer"),
    };
  });
}

/** What the text after a flag means: numbers where numbers are wanted, lists cut at commas. */
export function readFlag(flag: Flag, text: string): unknown {
  if (flag.kind !== "list") return readOne(flag, text);
  return text.split(",").map((part) => readOne(flag, part.trim()));
}

/**
 * Checks options from the command line and from a configuration file, where the line wins.
 *
 * @throws UsageError that names each wrong flag or key, what was given and what is legal.
 */
export function checkOptions<S extends z.ZodObject>(
  schema: S,
  given: Readonly<Record<string, unknown>>,
  config: Readonly<Record<string, unknown>>,
  configName: string,
): z.output<S> {
  const flags = flagsOf(schema);
  const fromConfig: Record<string, unknown> = {};
  for (const [written, value] of Object.entries(config)) {
    const flag = flags.find(({ key, name }) => key === written || name === written);
    if (flag === undefined) {
      const near = nearest(
        written,
        flags.map(({ key }) => key),
      );
      throw new UsageError(
        `${configName}: unknown key "${written}".${near === undefined ? "" : ` Did you mean "${near}"?`}`,
      );
    }
    fromConfig[flag.key] = value;
  }
  const merged = { ...fromConfig, ...given };
  const result = schema.safeParse(merged);
  if (result.success) return result.data as z.output<S>;
  const messages = result.error.issues.map((issue) => {
    const key = String(issue.path[0] ?? "");
    const flag = flags.find((candidate) => candidate.key === key);
    if (!Object.hasOwn(merged, key))
      return `--${flag?.name ?? key} ${flag?.placeholder ?? ""} is needed.`;
    const where = Object.hasOwn(given, key) ? `--${flag?.name ?? key}` : `${configName}: ${key}`;
    return `${where} ${JSON.stringify(merged[key])}: ${issue.message}`;
  });
  throw new UsageError(messages.join("\n"));
}

function readOne(flag: Flag, text: string): unknown {
  const number = Number(text);
  return flag.numeric && text.trim() !== "" && !Number.isNaN(number) ? number : text;
}

function isOfType(schema: JsonSchema, type: string): boolean {
  return schema.type === type || (schema.anyOf?.some((branch) => isOfType(branch, type)) ?? false);
}

function placeholderOf(property: JsonSchema, values: JsonSchema, isList: boolean): string {
  if (property.placeholder !== undefined) return property.placeholder;
  const single = choices(values) ?? (isOfType(values, "string") ? "TEXT" : "N");
  return isList ? `${single},…` : single;
}

function choices(schema: JsonSchema): string | undefined {
  if (schema.enum !== undefined) return schema.enum.join("|");
  if (schema.const !== undefined) return String(schema.const);
  return undefined;
}
