import type { Schedule } from "./schedule.ts";

/** The base rate, always: `lr`. */
export function constant(): Schedule {
  return { name: "constant", options: {}, rate: ({ lr }) => lr };
}
