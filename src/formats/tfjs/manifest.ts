import { z } from "zod";
import { checkedJson } from "../checkedJson.ts";

/** How the numbers of a weight were made smaller, as tensorflow.js's converter writes it. */
const quantization = z.discriminatedUnion("dtype", [
  z.object({ dtype: z.literal("float16") }),
  z.object({ dtype: z.enum(["uint8", "uint16"]), scale: z.number(), min: z.number() }),
]);

const weight = z.object({
  name: z.string(),
  shape: z.array(z.number()),
  dtype: z.string(),
  quantization: quantization.optional(),
});

const group = z.object({ paths: z.array(z.string()).min(1), weights: z.array(weight) });

/** `model.json` of a layers model, as far as it is read; the topology is any JSON. */
const modelFile = z.object({
  format: z.string().optional(),
  generatedBy: z.string().nullish(),
  convertedBy: z.string().nullish(),
  modelTopology: z.unknown().optional(),
  weightsManifest: z.array(group),
});

export type TfjsWeight = z.infer<typeof weight>;
export type TfjsGroup = z.infer<typeof group>;
export type TfjsModelFile = z.infer<typeof modelFile>;

/** Checks parsed JSON against the form of a `model.json`. */
export function checkModelFile(json: unknown, where: string): TfjsModelFile {
  return checkedJson(modelFile, json, where, "a model of tensorflow.js");
}
