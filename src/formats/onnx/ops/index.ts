import { layers } from "./layers.ts";
import type { Evaluators, Importers, Operator } from "./operator.ts";
import { pointwise } from "./pointwise.ts";
import { shapes } from "./shapes.ts";

/** What is known of an operator of a domain, where it is imported. */
export function operatorOf(domain: string, name: string): Operator | undefined {
  if (domain !== "") return undefined;
  const build = lookUpIn<Importers[string]>([pointwise, layers, shapes], name);
  const evaluate = lookUpIn<Evaluators[string]>([], name);
  return build === undefined && evaluate === undefined ? undefined : { build, evaluate };
}

function lookUpIn<T>(tables: readonly Readonly<Record<string, T>>[], name: string): T | undefined {
  return tables.find((table) => Object.hasOwn(table, name))?.[name];
}
