import { stat } from "node:fs/promises";
import { z } from "zod";
import { DataError, OptionError } from "../../core/errors.ts";
import { activationMemory } from "../../explain/activationMemory.ts";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import { drawNet } from "../../models/drawing.ts";
import { createNet, type ImageShape, type Net, netNames } from "../../models/index.ts";
import { summarize } from "../../models/summary.ts";
import { formatBytes, summaryText } from "../../models/summaryText.ts";
import { netOfFile } from "../../runs/describedFile.node.ts";
import { readModel } from "../../runs/trainedModel.node.ts";
import { frozenNames } from "../../runs/transferPlan.ts";
import { declarations } from "../../train/stepGraph.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";

/** `striate summary`: the literature's table of a net. */
export const summaryCommand = defineCommand({
  summary: "Show a net layer by layer: sizes, parameters, multiply-adds, memory.",
  arguments: [
    {
      name: "net",
      description:
        "name of a net, folder of a model or run, or a file that describes a net: ONNX, Keras, tensorflow.js, .prototxt, net file",
    },
  ],
  options: z.object({
    variant: z.string().optional().meta({ placeholder: "NAME" }).describe("variant of the net"),
    input: z
      .string()
      .regex(/^\d+x\d+x\d+$/, "expected HxWxC, as 64x64x3")
      .optional()
      .meta({ placeholder: "HxWxC" })
      .describe("size of the images (that of the net's source if left out)"),
    classes: z.number().int().min(1).optional().describe("number of classes"),
    freeze: z
      .string()
      .optional()
      .meta({ placeholder: "PATTERN" })
      .describe("parameters to show as frozen: layer1.*,conv1.*"),
    svg: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("draw the architecture into this file, too"),
    all: z.boolean().default(false).describe("lines for layers without parameters, too"),
    ...commonOptions,
  }),
  examples: [
    "striate summary alexnet --variant deck",
    "striate summary resnet20 --input 64x64x3",
    "striate summary googlenet --svg googlenet.svg",
    "striate summary runs/photos",
    "striate summary squeezenet.onnx",
    "striate summary model.keras",
  ],
  async run(_context, [name = ""], { variant, input, classes, freeze, svg, all }) {
    const net = await findNet(name, { variant, input, classes });
    const frozen = freeze === undefined ? {} : { frozen: frozenNames(freeze, parameterNames(net)) };
    const summary = summarize(net, frozen);
    const layers = summary.layers.map(
      ({ from: _, within: __, weightShapes: ___, ...layer }) => layer,
    );
    if (svg !== undefined) await writeFileAtomic(svg, drawNet(summary));
    const memory = activationMemory(net.layer, net.input);
    const text = [
      summaryText(summary, { all }),
      `at least ${formatBytes(memory.forwardBytes)} of them at once at inference, ${formatBytes(memory.trainingBytes)} with their gradients in training`,
    ].join("\n");
    return { document: { ...summary, ...memory, layers }, text };
  },
});

async function findNet(
  name: string,
  asked: {
    readonly variant?: string | undefined;
    readonly input?: string | undefined;
    readonly classes?: number | undefined;
  },
): Promise<Net> {
  const { variant, input, classes } = asked;
  const there = await stat(name).catch(() => undefined);
  if (there?.isFile()) {
    if (variant !== undefined) {
      throw new OptionError(`summary "${name}": a file has no variants; leave --variant out.`);
    }
    const size = input === undefined ? undefined : imageShape(input);
    return netOfFile(name, { input: size, classes });
  }
  if (there !== undefined) {
    if (variant !== undefined || input !== undefined || classes !== undefined) {
      throw new OptionError(
        `summary "${name}": a model has its variant, input and classes; leave --variant, --input and --classes out.`,
      );
    }
    return (await readModel(name)).net;
  }
  if (/[./\\]/.test(name) && !netNames().includes(name)) {
    throw new DataError(`summary "${name}": there is no such file or folder.`);
  }
  return createNet(name, {
    ...(variant === undefined ? {} : { variant }),
    ...(classes === undefined ? {} : { classes }),
    ...(input === undefined ? {} : { input: imageShape(input) }),
  });
}

function parameterNames({ layer, input, classes }: Net): string[] {
  const normalization = { mean: [], std: [] };
  return declarations({ net: layer, input, classes, normalization }).map(({ name }) => name);
}

function imageShape(text: string): ImageShape {
  const [height = 0, width = 0, channels = 0] = text.split("x").map(Number);
  return [channels, height, width];
}
