import { z } from "zod";
import { createBatches } from "../../data/batches/batches.ts";
import { draftRun } from "../../runs/draftRun.node.ts";
import { planAugmentation, planRecipe } from "../../runs/plan.ts";
import { trainOptions } from "../../runs/trainOptions.ts";
import { findLearningRate, type LrPoint } from "../../train/lrFind.ts";
import { Trainer } from "../../train/trainer.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";

const { net, variant, input, batch, optimizer, augment, weightDecay, labelSmoothing } =
  trainOptions;
const rowsShown = 24;
const barWidth = 40;

/** `striate lr-find`: which learning rate to begin with. */
export const lrFindCommand = defineCommand({
  summary: "Find a learning rate: train with a growing one until the loss breaks away.",
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    from: z.number().gt(0).default(1e-5).describe("first rate"),
    to: z.number().gt(0).default(10).describe("last rate"),
    steps: z
      .number()
      .int()
      .min(10)
      .max(10_000)
      .default(120)
      .describe("steps from one to the other"),
    net,
    variant,
    input,
    batch,
    optimizer,
    weightDecay,
    augment,
    labelSmoothing,
    ...engineOptions,
    ...commonOptions,
  }),
  examples: ["striate lr-find photos/", "striate lr-find photos/ --net resnet20 --optimizer adam"],
  async run({ output, signal }, [path = ""], options) {
    const {
      from,
      to,
      steps,
      seed,
      threads,
      backend,
      winograd,
      json: _,
      quiet: __,
      ...asked
    } = options;
    const context = {
      backend: chooseBackend({ backend, threads, winograd }),
      listener: runProgress(output),
      threads,
      signal,
    };
    const { data, plan } = await draftRun(path, asked, seed, context);
    const session = await context.backend.open();
    try {
      const finding = await findLearningRate({
        trainer: new Trainer({ recipe: planRecipe(plan), session, seed }),
        train: createBatches(data.prepared, {
          indices: data.split.train,
          batchSize: Math.min(plan.batch, data.split.train.length),
          phase: "train",
          seed,
          sampling: plan.sampling,
          ...planAugmentation(plan),
        }),
        from,
        to,
        steps,
        signal,
        onStep: (done, total, loss) =>
          output.progress(`step ${done}/${total}  loss ${loss.toFixed(3)}`),
      });
      const { points, steepest, minimumTenth, diverged } = finding;
      return {
        document: { suggestion: steepest, steepest, minimumTenth, diverged, points },
        text: `${drawCurve(points)}

The loss falls fastest at ${steepest.toPrecision(2)}; a tenth of where it is lowest is ${minimumTenth.toPrecision(2)}.
Try: striate train ${path} --lr ${steepest.toPrecision(2)}${diverged ? "" : "\nThe loss did not break away; --to can be larger."}`,
      };
    } finally {
      await session.close();
    }
  },
});

/** The smoothed loss as bars, one line for a few steps each. */
function drawCurve(points: readonly LrPoint[]): string {
  const stride = Math.max(1, Math.ceil(points.length / rowsShown));
  const shown = points.filter((_, i) => i % stride === 0);
  const losses = shown.map(({ smoothed }) => smoothed);
  const [low, high] = [Math.min(...losses), Math.max(...losses)];
  const lines = shown.map(({ lr, smoothed }) => {
    const length = Math.round(((smoothed - low) / Math.max(1e-12, high - low)) * barWidth);
    return `${lr.toExponential(1).padStart(8)}  ${smoothed.toFixed(3).padStart(8)}  ${"█".repeat(length)}`;
  });
  return [`${"rate".padStart(8)}  ${"loss".padStart(8)}`, ...lines].join("\n");
}
