import { type Field, field, isInteger } from "../core/fields.ts";

/** An integer for both axes, or `[vertical, horizontal]`. */
export function pairOf(minimum: number): Field {
  return field(
    `an integer of at least ${minimum}, or two of them`,
    (value) =>
      isInteger(value, minimum) ||
      (Array.isArray(value) && value.length === 2 && value.every((n) => isInteger(n, minimum))),
  );
}

const paddingNames = ["valid", "same", "sameUpper", "sameLower"];

/** A padding, as graph/window.ts describes it. */
export function padding(): Field {
  return field(
    `an integer of at least 0, two or four of them, or one of ${paddingNames.join(", ")}`,
    (value) =>
      isInteger(value, 0) ||
      paddingNames.includes(value as string) ||
      (Array.isArray(value) &&
        (value.length === 2 || value.length === 4) &&
        value.every((n) => isInteger(n, 0))),
  );
}

function hasMethod(value: unknown, method: string): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    typeof (value as Record<string, unknown>)[method] === "function"
  );
}

/** A layer. */
export function layerField(): Field {
  return field("a layer", (value) => hasMethod(value, "build"));
}

/** An initialiser. */
export function initializerField(): Field {
  return field("an initializer", (value) => hasMethod(value, "fill"));
}
