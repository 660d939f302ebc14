import { z } from "zod";
import { lookUp } from "../../core/errors.ts";
import { optimizers } from "../../optim/index.ts";
import { draftRun } from "../../runs/draftRun.node.ts";
import { parseNamedOptions } from "../../runs/namedOptions.ts";
import { trainOnce } from "../../runs/trainOnce.ts";
import { trainOptions } from "../../runs/trainOptions.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { formatPercent } from "../quantities.ts";
import { runProgress } from "../runProgress.ts";
import { textTable } from "../table.ts";

/** Contestants with rates at which each does well on small nets. */
const contestants = [
  "sgd(lr=0.05)",
  "momentum(lr=0.02, momentum=0.9)",
  "nesterov(lr=0.02, momentum=0.9)",
  "adagrad(lr=0.01)",
  "adadelta(lr=1)",
  "rmsprop(lr=0.001)",
  "adam(lr=0.001)",
  "adamw(lr=0.001)",
  "nadam(lr=0.001)",
];

const { net, variant, input, batch, augment } = trainOptions;

/** `striate optim-lab`: optimisers raced on one problem. */
export const optimLabCommand = defineCommand({
  summary: "Race optimizers: the same net, data and seed, one training for each.",
  details:
    "Every training begins with the same weights and sees the same batches in the same order, at a constant rate.",
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    optimizers: z
      .string()
      .default(contestants.join("; "))
      .meta({ placeholder: "LIST" })
      .describe("contestants with their options, separated by ;"),
    epochs: z.number().int().min(1).default(5).describe("passes over the training images"),
    net,
    variant,
    input,
    batch,
    augment,
    ...engineOptions,
    ...commonOptions,
  }),
  examples: [
    "striate optim-lab photos/ --net lenet5 --input 32x32x3",
    'striate optim-lab photos/ --optimizers "sgd(lr=0.1); adam(lr=0.001)" --epochs 3',
  ],
  async run({ output, signal }, [path = ""], options) {
    const {
      optimizers: list,
      seed,
      threads,
      backend,
      winograd,
      json: _,
      quiet: __,
      ...asked
    } = options;
    const racers = list
      .split(";")
      .map((text) => text.trim())
      .filter((text) => text !== "");
    for (const racer of racers)
      lookUp(optimizers, parseNamedOptions(racer, "optimizer").name, "optimizer");
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    const draft = await draftRun(
      path,
      { augment: "none", labelSmoothing: 0, ...asked, schedule: "constant", optimizer: "sgd" },
      seed,
      context,
    );
    const { prepared, split } = draft.data;
    const results = [];
    for (const racer of racers) {
      const { name, options: own } = parseNamedOptions(racer, "optimizer");
      const { lr } = optimizers[name as keyof typeof optimizers](own).options;
      const started = performance.now();
      const { history, predictions } = await trainOnce({
        prepared,
        plan: { ...draft.plan, optimizer: racer, lr, weightDecay: 0, warmup: 0 },
        train: split.train,
        val: split.val,
        backend: context.backend,
        signal,
        validateEpochs: true,
        onProgress: (done, total) => output.progress(`${racer} ${done}/${total}`),
      });
      const correct = predictions.filter(({ label, predicted }) => label === predicted).length;
      results.push({
        optimizer: racer,
        name,
        lr,
        accuracy: correct / predictions.length,
        loss: history.at(-1)!.train.loss,
        seconds: (performance.now() - started) / 1000,
        history,
      });
    }
    results.sort((a, b) => a.loss - b.loss);
    const right = (title: string) => ({ title, align: "right" as const });
    return {
      document: {
        net: draft.plan.net,
        epochs: draft.plan.epochs,
        batch: draft.plan.batch,
        results,
      },
      text: textTable(
        [
          { title: "optimizer" },
          right("training loss"),
          right("val loss"),
          right("val accuracy"),
          right("seconds"),
        ],
        results.map(({ optimizer, loss, accuracy, seconds, history }) => [
          optimizer,
          loss.toFixed(4),
          (history.at(-1)!.val?.loss ?? Number.NaN).toFixed(4),
          formatPercent(accuracy),
          seconds.toFixed(1),
        ]),
      ),
    };
  },
});
