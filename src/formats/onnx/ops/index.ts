import type { Value } from "../../../graph/builder.ts";
import type { NodeContext } from "../nodeContext.ts";
import { layers } from "./layers.ts";
import { pointwise } from "./pointwise.ts";
import { shapes } from "./shapes.ts";

/** The importer of an operator, where there is one. */
export function importerOf(operator: string): ((node: NodeContext) => Value) | undefined {
  for (const table of [pointwise, layers, shapes]) {
    if (Object.hasOwn(table, operator)) return table[operator];
  }
  return undefined;
}
