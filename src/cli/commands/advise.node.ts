import { z } from "zod";
import { advise } from "../../runs/advise.node.ts";
import { openStart } from "../../runs/startModel.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { formatPercent } from "../quantities.ts";
import { runProgress } from "../runProgress.ts";
import { textTable } from "../table.ts";

/** `striate advise`: which way of transfer fits data and weights. */
export const adviseCommand = defineCommand({
  summary: "Say what to do with pretrained weights on this data: codes, fine-tuning, or all anew.",
  details: `Counts the images of each class, and trains a linear classifier on the codes of the given weights at several depths
(on at most 2000 images, a third of which it is judged on). Few images and similar: a linear classifier on the top codes.
Many and similar: fine-tuning. Few and different: a linear classifier on earlier codes. Many and different: fine-tuning of
all layers, or training from scratch.`,
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    weights: z
      .string()
      .optional()
      .meta({ placeholder: "MODEL" })
      .describe("weights to begin from: a model folder, a file of any format, or an id on the hub"),
    net: z
      .string()
      .optional()
      .meta({ placeholder: "NAME" })
      .describe("the net of a file of weights"),
    variant: z.string().optional().meta({ placeholder: "NAME" }).describe("variant of the net"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: [
    "striate advise photos/ --weights models/squeezenet",
    "striate advise photos/ --weights resnet20.th --net resnet20 --json",
  ],
  async run(
    { output, signal },
    [data = ""],
    { weights, net, variant, seed, threads, backend, winograd },
  ) {
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    const start =
      weights === undefined ? undefined : await openStart(weights, { net, variant }, signal);
    const advice = await advise(data, start, seed, context);
    const { size, similarity, strategy, why, flags } = advice;
    const { smallest, median, largest } = size.perClass;
    const right = (title: string) => ({ title, align: "right" as const });
    const table =
      similarity === null
        ? ""
        : `\n\n${textTable(
            [
              { title: "linear classifier on" },
              right("numbers"),
              right("accuracy"),
              { title: "95 % interval" },
            ],
            [
              ["pixels, 16x16", "", formatPercent(similarity.pixels), ""],
              ...similarity.probes.map(({ cut, codes, accuracy, ci95 }) => [
                `codes behind ${cut}`,
                String(codes),
                formatPercent(accuracy),
                `${formatPercent(ci95[0])} to ${formatPercent(ci95[1])}`,
              ]),
            ],
          )}`;
    return {
      document: { ...advice, data },
      text: `${size.images} images of ${size.classes} classes: ${smallest} to ${largest} in each, ${median} typically${table}

Advice: ${output.styledResult("bold", strategy)}
${why}

Next    striate train ${data} ${flags}`,
    };
  },
});
