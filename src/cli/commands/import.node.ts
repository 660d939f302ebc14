import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DataError } from "../../core/errors.ts";
import { formatShape } from "../../core/shape.ts";
import { filterNames } from "../../data/decode/resize.ts";
import { type ImportedModel, importModel } from "../../runs/importModel.node.ts";
import { writeModel } from "../../runs/trainedModel.node.ts";
import { openWeightSource, type WeightSource } from "../../runs/weightSource.node.ts";
import { measureCost } from "../../train/cost.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { formatBytes } from "../quantities.ts";
import { textTable } from "../table.ts";

const numbers = z.array(z.number()).min(1).max(4);

/** `striate import`: weights of other programs become a model folder. */
export const importCommand = defineCommand({
  summary:
    "Make a model of weights from PyTorch, safetensors, Caffe, Keras, ONNX or tensorflow.js.",
  details: `WEIGHTS is a file of any of these formats, recognised by its content; a folder with one in it; a folder of the
Hugging Face hub; or an id on the hub, which is fetched and kept. Every tensor of the net needs one of the file, of the
same shape: names are matched as they are, as publishers are known to call them, and by order where that proves it.
Preprocessing comes from the file, from what is known of published weights, or from the flags: (pixel x scale - mean)/std.`,
  arguments: [{ name: "weights", description: "file, folder, or id on the hub" }],
  options: z.object({
    net: z
      .string()
      .optional()
      .meta({ placeholder: "NET" })
      .describe(
        "name of a net, a net file (.json), or a description by Caffe (.prototxt); left out, a file of ONNX, Keras or tensorflow.js that describes its net is one of its own",
      ),
    variant: z.string().optional().meta({ placeholder: "NAME" }).describe("variant of the net"),
    out: z
      .string()
      .optional()
      .meta({ placeholder: "MODEL" })
      .describe("folder of the model (models/<net> if left out)"),
    overwrite: z.boolean().default(false).describe("write into --out though something is there"),
    input: z
      .string()
      .regex(/^\d+x\d+x[13]$/, "expected HxWxC, as 224x224x3")
      .optional()
      .meta({ placeholder: "HxWxC" })
      .describe("size of the images (that of the file or the net if left out)"),
    classes: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("number of classes; where the file has others, the last layer starts fresh"),
    labels: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("names of the classes, one a line, or a JSON list"),
    mean: numbers.optional().describe("mean of each channel, after scaling, in the net's order"),
    std: numbers.optional().describe("deviation of each channel"),
    scale: z.number().gt(0).optional().describe("factor on pixels 0 to 255 (1 for most of Caffe)"),
    channels: z.enum(["rgb", "bgr"]).optional().describe("order in which the net takes them"),
    meanImage: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("mean image that is taken away: .binaryproto, .npy or bare float32"),
    resize: z.number().int().min(1).optional().describe("shorter side before the middle is cut"),
    crop: z.number().int().min(1).optional().describe("side of what is cut: size of the input"),
    fit: z
      .enum(["crop", "stretch", "pad"])
      .optional()
      .describe("how images of other proportions become inputs"),
    interpolation: z.enum(filterNames).optional().describe("filter of the resize"),
    key: z
      .string()
      .optional()
      .meta({ placeholder: "NAME" })
      .describe("entry of a PyTorch checkpoint that holds the weights (found if left out)"),
    from: z
      .string()
      .optional()
      .meta({ placeholder: "URL" })
      .describe("mirror of the hub, with its layout"),
    revision: z.string().optional().meta({ placeholder: "NAME" }).describe("branch, tag or commit"),
    seed: z
      .number()
      .int()
      .min(0)
      .default(0)
      .describe("number from which a fresh last layer is drawn"),
    ...commonOptions,
  }),
  examples: [
    "striate import resnet20.th --net resnet20 --out models/resnet20",
    "striate import lenet.caffemodel --net lenet5 --variant caffe",
    "striate import cifar10_quick.caffemodel --net cifar10_quick.prototxt --mean-image mean.binaryproto",
    "striate import tfjs/model.json --net mobilenet_v1 --variant 0.25 --labels synset_words.txt",
    "striate import squeezenet.onnx --mean 104,117,123 --std 1 --scale 1 --channels bgr",
    "striate import timm/resnet18.tv_in1k --out models/resnet18",
  ],
  async run({ output, signal, version }, [given = ""], options) {
    const { out, overwrite, labels, input, from, revision, key, ...rest } = options;
    const source = await openWeightSource(given, {
      endpoint: from,
      revision,
      key,
      signal,
      onProgress: ({ path, receivedBytes, sizeBytes }) =>
        output.progress(`${path} ${formatBytes(receivedBytes)} of ${formatBytes(sizeBytes)}`),
    });
    const [height = 0, width = 0, depth = 0] = input?.split("x").map(Number) ?? [];
    const imported = await importModel(source, {
      ...rest,
      ...(input === undefined ? {} : { input: [depth, height, width] }),
      ...(labels === undefined ? {} : { labels: await readLabels(labels) }),
    });
    const { net, model } = imported;
    const folder = out ?? join("models", net.name);
    let sha256: string | null = null;
    if (model !== undefined) {
      await checkFolder(folder, overwrite);
      sha256 = await writeModel(folder, model, describeImport(source, imported, version));
    }
    return {
      document: importDocument(source, imported, model === undefined ? null : folder, sha256),
      text: importText(source, imported, folder),
      exitCode: model === undefined ? 1 : 0,
    };
  },
});

async function checkFolder(folder: string, overwrite: boolean): Promise<void> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    if (error.code === "ENOTDIR") {
      throw new DataError(`out "${folder}": this is a file; name a folder.`);
    }
    throw error;
  });
  if (entries.length === 0 || overwrite) return;
  throw new DataError(
    `out "${folder}" is there already and not empty; choose another --out, or say --overwrite.`,
  );
}

/** One name a line, or a JSON list. */
async function readLabels(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8");
  if (!text.trimStart().startsWith("[")) {
    return text
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
  }
  const parsed = z.array(z.string()).safeParse(jsonOrNothing(text));
  if (parsed.success) return parsed.data;
  throw new DataError(`labels "${path}": expected one name a line, or a JSON list of names.`);
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function importDocument(
  source: WeightSource,
  { net, fit, model, fresh, preprocessing }: ImportedModel,
  folder: string | null,
  weightsSha256: string | null,
): object {
  return {
    model: folder,
    net: net.name,
    variant: net.variant,
    input: net.input,
    classes: net.classes,
    format: source.opened.format,
    by: fit.by,
    published: fit.published?.origin ?? null,
    matched: [...fit.matched].map(([name, from]) => ({ name, from })),
    missing: fit.missing,
    unexpected: fit.unexpected,
    misshapen: fit.misshapen,
    absorbed: [...fit.absorbed].map(([name, from]) => ({ name, from })),
    fresh,
    params: measureCost(net.layer, net.input).parameters,
    preprocessing:
      model === undefined
        ? null
        : { ...model.geometry, ...model.normalization, from: preprocessing },
    weightsSha256,
  };
}

const rowsShown = 40;

function importText(
  source: WeightSource,
  { net, fit, model, fresh, preprocessing }: ImportedModel,
  folder: string,
): string {
  const rows = [
    ...fit.missing.map((name) => [name, fresh.includes(name) ? "starts fresh" : "missing", ""]),
    ...fit.misshapen.map(({ name, expected, given }) => [
      name,
      fresh.includes(name) ? "starts fresh" : "other shape",
      `${formatShape(given)} in the file, ${formatShape(expected)} in the net`,
    ]),
    ...fit.unexpected.map((name) => [name, "not in the net", ""]),
  ];
  const columns = [{ title: "tensor" }, { title: "" }, { title: "" }];
  const more = rows.length > rowsShown ? `\n… and ${rows.length - rowsShown} more` : "";
  const table =
    rows.length === 0 ? "" : `\n\n${textTable(columns, rows.slice(0, rowsShown))}${more}`;
  const how = fit.by === "order" ? "by order, with every shape as proof" : "by name";
  const head = `${source.name} (${source.opened.format}) → ${net.name}, ${net.variant}: ${fit.matched.size} tensors matched ${how}${fit.prefix === "" ? "" : `, without the prefix "${fit.prefix}"`}${fit.absorbed.size === 0 ? "" : `; ${fit.absorbed.size} biases went into the means of the norms behind them`}`;
  if (model === undefined) {
    return `${head}${table}

Nothing was written: these weights are not of this net. Is it another net or variant? Where only the classes differ, say how many with --classes.`;
  }
  const { normalization, geometry } = model;
  const { mean, std, scale = 1 / 255, channelOrder = "rgb" } = normalization;
  const cover = Math.round(geometry.height / (geometry.cropRatio ?? 1));
  return `${head}${table}

Input   ${geometry.height}x${geometry.width}x${geometry.channels} (${geometry.fit}, of ${cover}, ${geometry.filter}), ${channelOrder}, (pixel·${round(scale)} − ${mean.map(round).join(" ")})/${std.map(round).join(" ")}
        ${preprocessing}
Classes ${net.classes}: ${model.classes.slice(0, 5).join(", ")}${net.classes > 5 ? ", …" : ""}${fit.published === undefined ? "" : `\nKnown   ${fit.published.accuracy}`}
Model   ${folder}
Next    striate predict ${folder} photo.jpg, or striate train photos/ --weights ${folder} --transfer extract`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(5)));
}

function describeImport(
  source: WeightSource,
  { net, fit, fresh, preprocessing }: ImportedModel,
  version: string,
) {
  const accuracy = fit.published === undefined ? "" : `Published: ${fit.published.accuracy}.\n\n`;
  const head =
    fresh.length === 0
      ? ""
      : `The last layer (${fresh.join(", ")}) is fresh: train it before use.\n\n`;
  return {
    facts: {
      library_name: "striate",
      pipeline_tag: "image-classification",
      tags: ["image-classification", "striate", net.name],
    },
    text: `# ${net.name} (${net.variant}), ${net.classes} classes

Weights of ${source.name} (${source.opened.format}), ${fit.matched.size} tensors. They belong to whoever published them; ask there for their licence.

${accuracy}${head}Input: ${net.input[1]}x${net.input[2]}x${net.input[0]}, as \`preprocessor_config.json\` says (${preprocessing}). Imported with Striate ${version}: \`striate predict <this folder> image.jpg\`.`,
  };
}
