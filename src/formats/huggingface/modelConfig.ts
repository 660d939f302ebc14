import { z } from "zod";
import { FormatError } from "../../core/errors.ts";
import { checkedJson } from "../checkedJson.ts";

/** What a model folder's `config.json` says: which net, and what its outputs mean. */
export interface ModelConfig {
  readonly net: string;
  readonly variant: string;
  /** Channels, height and width of one image. */
  readonly input: readonly [number, number, number];
  /** Names of the classes, in the order of the outputs. */
  readonly labels: readonly string[];
  /** Further keys of the file, kept as they are (options of the net, description of an own net). */
  readonly extra: Readonly<Record<string, unknown>>;
}

const ownForm = z.looseObject({
  net: z.string(),
  variant: z.string(),
  input: z.tuple([z.number(), z.number(), z.number()]),
  id2label: z.record(z.string(), z.string()),
  label2id: z.record(z.string(), z.number()),
});

/** What another library's `config.json` says that matters here. */
export interface ForeignConfig {
  /** `resnet18` of timm, `ResNetForImageClassification` of transformers. */
  readonly architecture: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly classes: number | undefined;
  /** timm's `pretrained_cfg`: read it with `parseTimmPreprocessing`. */
  readonly pretrained: unknown;
}

const foreignForm = z.object({
  architecture: z.string().optional(),
  architectures: z.array(z.string()).nullish(),
  num_classes: z.number().nullish(),
  num_labels: z.number().nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
  label_names: z.array(z.string()).nullish(),
  pretrained_cfg: z.unknown().optional(),
});

/** The content of `config.json`. */
export function encodeModelConfig(config: ModelConfig): Record<string, unknown> {
  const { net, variant, input, labels, extra } = config;
  return {
    ...extra,
    model_type: "striate",
    net,
    variant,
    input,
    num_labels: labels.length,
    id2label: Object.fromEntries(labels.map((label, id) => [String(id), label])),
    label2id: Object.fromEntries(labels.map((label, id) => [label, id])),
  };
}

/** Reads the `config.json` of a model folder of ours. */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const { net, variant, input, id2label, label2id, model_type, num_labels, ...extra } = checkedJson(
    ownForm,
    json,
    where,
    "the config of a model of Striate",
  );
  const labels = labelList(id2label, where);
  for (const [label, id] of Object.entries(label2id)) {
    if (labels[id] !== label) {
      throw new FormatError(
        `${where}: label2id has "${label}" as ${id}, id2label has "${labels[id]}" there; expected one order.`,
      );
    }
  }
  for (const side of input) {
    if (!Number.isInteger(side) || side < 1 || side > 4096) {
      throw new FormatError(`${where}: input [${input}]; expected channels, height and width.`);
    }
  }
  return { net, variant, input, labels, extra };
}

/** Reads the `config.json` of timm or transformers, as far as it is known. */
export function parseForeignConfig(json: unknown, where: string): ForeignConfig {
  const config = checkedJson(foreignForm, json, where, "the config of a model");
  const labels = config.id2label ? labelList(config.id2label, where) : config.label_names;
  return {
    architecture: config.architecture ?? config.architectures?.[0],
    labels: labels ?? undefined,
    classes: labels?.length ?? config.num_classes ?? config.num_labels ?? undefined,
    pretrained: config.pretrained_cfg,
  };
}

/** `{"0": "cat", "1": "dog"}` as a list; every number from 0 on must be there once. */
function labelList(id2label: Readonly<Record<string, string>>, where: string): string[] {
  const count = Object.keys(id2label).length;
  return Array.from({ length: count }, (_, id) => {
    const label = id2label[String(id)];
    if (label === undefined) {
      throw new FormatError(`${where}: id2label has ${count} classes, but none is "${id}".`);
    }
    return label;
  });
}
