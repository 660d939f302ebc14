import type { Graph } from "../../graph/graph.ts";

/** Arrays of numbers in attributes, by the name under which they are written. */
const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
} as const;

/** A graph as JSON text that {@link graphFromJson} reads; numbers that JSON lacks are written as text. */
export function graphToJson(graph: Graph): string {
  return JSON.stringify(graph, (_, value: unknown) => {
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) {
      return { number: Object.is(value, -0) ? "-0" : String(value) };
    }
    for (const [name, type] of Object.entries(arrays)) {
      if (value instanceof type) return { [name]: [...value] };
    }
    return value;
  });
}

/** The graph of {@link graphToJson}. */
export function graphFromJson(text: string): Graph {
  return JSON.parse(text, (_, value: unknown) => {
    if (typeof value !== "object" || value === null) return value;
    const [key, ...others] = Object.keys(value);
    if (key === undefined || others.length > 0) return value;
    const content = (value as Record<string, unknown>)[key];
    if (key === "number" && typeof content === "string") return Number(content);
    if (Array.isArray(content) && Object.hasOwn(arrays, key)) {
      return arrays[key as keyof typeof arrays].from(content);
    }
    return value;
  }) as Graph;
}
