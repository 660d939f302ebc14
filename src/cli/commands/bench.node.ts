import { availableParallelism } from "node:os";
import process from "node:process";
import { z } from "zod";
import { OptionError } from "../../core/errors.ts";
import { createNet } from "../../models/index.ts";
import { syntheticWork } from "../../train/syntheticWork.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { profileText, profilingSession, reportProfile } from "../stepProfile.ts";

const warmSteps = 2;
const leastSteps = 3;

/** `striate bench`: throughput on data held in memory. */
export const benchCommand = defineCommand({
  summary:
    "Measure how many images per second a net trains on or answers, with data held in memory.",
  details: `Training is forward, backward and an update by momentum. first_step_ms counts from the start of the process and holds
building, compiling and the first step; the median is over the steps after ${warmSteps} more. With --profile every kernel of a
step is timed by itself afterwards, beside a loop of multiply-adds in registers, which is the peak.`,
  arguments: [],
  options: z.object({
    net: z.string().meta({ placeholder: "NAME" }).describe("net to run"),
    variant: z.string().optional().meta({ placeholder: "NAME" }).describe("variant of the net"),
    input: z
      .string()
      .regex(/^\d+x\d+(x[13])?$/, "expected HxWxC, as 64x64x3")
      .optional()
      .meta({ placeholder: "HxWxC" })
      .describe("size of the images (that of the net's source if left out)"),
    classes: z.number().int().min(1).optional().describe("number of classes"),
    mode: z.enum(["train", "infer"]).default("train").describe("what to measure"),
    batch: z.number().int().min(1).default(32).describe("images per step"),
    seconds: z.number().gt(0).default(10).describe("time to measure for"),
    profile: z.boolean().default(false).describe("show where the time of a step goes"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: [
    "striate bench --net resnet20 --batch 64 --threads 2",
    "striate bench --net squeezenet --mode infer --batch 1 --json",
    "striate bench --net resnet18 --input 64x64x3 --classes 10 --profile",
  ],
  async run({ output, signal }, _args, options) {
    const { net: name, variant, input, classes, mode, batch, seconds, seed, threads } = options;
    const [height, width, channels = 3] = input?.split("x").map(Number) ?? [];
    const net = createNet(name, {
      ...(variant === undefined ? {} : { variant }),
      ...(classes === undefined ? {} : { classes }),
      ...(height === undefined || width === undefined ? {} : { input: [channels, height, width] }),
    });
    if (net.input[0] > 3)
      throw new OptionError(`bench: input of ${net.input[0]} channels; images have 1 or 3.`);
    const backend = chooseBackend(options);
    const opened = await backend.open();
    const profiling = options.profile ? profilingSession(opened) : undefined;
    const session = profiling?.session ?? opened;
    const work = await syntheticWork({
      net,
      mode,
      loss: net.name === "lenet5" && net.variant === "paper" ? "rbfLoss" : "crossEntropy",
      batch,
      seed,
      session,
    });
    const [c, h, w] = net.input;
    const step = (index: number) => work.step(index);
    await step(0);
    const firstStepMs = performance.now();
    for (let i = 1; i <= warmSteps; i++) await step(i);
    const times: number[] = [];
    const started = performance.now();
    while (times.length < leastSteps || performance.now() - started < seconds * 1000) {
      signal.throwIfAborted();
      const before = performance.now();
      await step(1 + warmSteps + times.length);
      times.push(performance.now() - before);
      output.progress(`step ${times.length}  ${times.at(-1)!.toFixed(1)} ms`);
    }
    const rounds = Math.max(5, Math.min(200, times.length));
    const profile =
      profiling === undefined ? undefined : reportProfile(await profiling.profile(rounds));
    await session.close();
    times.sort((a, b) => a - b);
    const median = times[times.length >> 1]!;
    const document = {
      peer: "striate",
      model: `${net.name}/${net.variant} ${h}x${w}x${c}`,
      mode,
      batch,
      threads: backend.name === "reference" ? 1 : (threads ?? availableParallelism()),
      images_per_s: round((batch / median) * 1000),
      step_ms_median: round(median),
      step_ms_p10: round(times[Math.floor(times.length * 0.1)]!),
      step_ms_p90: round(times[Math.floor(times.length * 0.9)]!),
      first_step_ms: round(firstStepMs),
      peak_rss_mb: round(process.resourceUsage().maxRSS / 1024),
      engine_mb: round(work.memoryBytes / 2 ** 20),
      steps: times.length,
      backend: `${backend.name}: ${backend.description}`,
      note: "",
      ...(profile === undefined ? {} : { profile }),
    };
    const table = profile === undefined ? "" : `\n\n${profileText(profile)}`;
    return {
      document,
      text: `${document.model}, ${mode}, batch ${batch}: ${document.images_per_s} images/s
median ${document.step_ms_median} ms over ${times.length} steps (10 to 90 %: ${document.step_ms_p10} to ${document.step_ms_p90} ms), first step after ${document.first_step_ms} ms
peak memory ${document.peak_rss_mb} MB; ${document.backend}${table}`,
    };
  },
});

function round(value: number): number {
  return Number(value.toPrecision(5));
}
