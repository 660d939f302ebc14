import { z } from "zod";

/** Flags that every command has. */
export const commonOptions = {
  json: z.boolean().default(false).describe("print one JSON document on stdout and nothing else"),
  quiet: z.boolean().default(false).describe("no progress on stderr"),
};

/** Flags of commands that compute. */
export const engineOptions = {
  seed: z
    .number()
    .int()
    .min(0)
    .max(2 ** 53 - 1)
    .default(0)
    .describe("number from which all randomness is drawn"),
  threads: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe("threads that compute (as many as processors if left out; results are the same)"),
  backend: z.enum(["auto", "wasm", "reference"]).default("auto").describe("what computes"),
  winograd: z
    .enum(["auto", "off"])
    .default("auto")
    .describe(
      "fast method for 3x3 and 5x5 convolutions; off: slower, rounding errors about a third",
    ),
};

/** Flag of every command, read before the others: it may name values for them. */
export const configOption = {
  config: z
    .string()
    .optional()
    .meta({ placeholder: "FILE" })
    .describe("JSON file of options, named as the flags; flags win"),
};
