/** What the peers that run in JavaScript are asked, and how they answer: as `striate bench` does. */
import { parseArgs } from "node:util";
import type { StepTimes } from "./stepClock.ts";

/** What a peer is asked for. */
export interface Request {
  readonly net: string;
  readonly mode: "train" | "infer";
  readonly batch: number;
  readonly classes: number;
  readonly threads: number;
  readonly seconds: number;
  /** Height, width, channels. */
  readonly input: readonly [number, number, number];
  /** Flags of this peer alone. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** Reads the flags; `extra` are those of this peer alone. */
export function readRequest(extra: readonly string[]): Request {
  const names = ["net", "input", "classes", "mode", "batch", "threads", "seconds", ...extra];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  }) as { values: Record<string, string | undefined> };
  const [height, width, channels] = values.input!.split("x").map(Number);
  return {
    net: values.net!,
    mode: values.mode === "infer" ? "infer" : "train",
    batch: Number(values.batch),
    classes: Number(values.classes),
    threads: Number(values.threads),
    seconds: Number(values.seconds),
    input: [height!, width!, channels!],
    values,
  };
}

/** Prints the answer as one line of JSON. Memory is this process's, or null where that says nothing. */
export function answer(
  peer: string,
  { net, mode, batch, threads }: Request,
  { firstStepMs, medianMs, steps }: StepTimes,
  backend: string,
  peakMb: number | null = process.resourceUsage().maxRSS / 1024,
): void {
  process.stdout.write(
    `${JSON.stringify({
      peer,
      model: net,
      mode,
      batch,
      threads,
      images_per_s: (batch / medianMs) * 1000,
      step_ms_median: medianMs,
      first_step_ms: firstStepMs,
      peak_rss_mb: peakMb,
      backend,
      note: steps < 3 ? `${steps} timed` : "",
    })}\n`,
  );
}
