/** The clock of the peers that run in JavaScript: the same steps, medians and figures as `striate bench`. */
import { parseArgs } from "node:util";

/** What a peer is asked for. */
export interface Request {
  readonly net: string;
  readonly mode: "train" | "infer";
  readonly batch: number;
  readonly classes: number;
  readonly threads: number;
  /** Height, width, channels. */
  readonly input: readonly [number, number, number];
  /** Flags of this peer alone. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** A net that is ready to be timed. */
export interface Runner {
  readonly backend: string;
  /** One step, done when its numbers are there. */
  step(): Promise<void>;
}

const warmSteps = 2;

/** Reads the flags, makes the runner, times its steps and prints one line of JSON. */
export async function timeSteps(
  peer: string,
  extraFlags: readonly string[],
  create: (request: Request) => Promise<Runner>,
): Promise<void> {
  const names = ["net", "input", "classes", "mode", "batch", "threads", "seconds", ...extraFlags];
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: "string" as const }])),
  }) as { values: Record<string, string | undefined> };
  const [height, width, channels] = values.input!.split("x").map(Number);
  const batch = Number(values.batch);
  const mode = values.mode === "infer" ? "infer" : "train";
  const { backend, step } = await create({
    net: values.net!,
    mode,
    batch,
    classes: Number(values.classes),
    threads: Number(values.threads),
    input: [height!, width!, channels!],
    values,
  });
  const timed = async (): Promise<number> => {
    const before = performance.now();
    await step();
    return performance.now() - before;
  };
  const limit = Number(values.seconds) * 1000;
  let last = await timed();
  const firstStepMs = performance.now();
  // A step that takes longer than the whole measurement is not warmed: it is measured once.
  for (let warm = 0; warm < warmSteps && last < limit; warm++) last = await timed();
  const times: number[] = [];
  const begun = performance.now();
  do times.push(await timed());
  while (performance.now() - begun < limit);
  times.sort((a, b) => a - b);
  const median = times[times.length >> 1]!;
  process.stdout.write(
    `${JSON.stringify({
      peer,
      model: values.net,
      mode,
      batch,
      threads: Number(values.threads),
      images_per_s: (batch / median) * 1000,
      step_ms_median: median,
      first_step_ms: firstStepMs,
      peak_rss_mb: process.resourceUsage().maxRSS / 1024,
      backend,
      note: times.length < 3 ? `${times.length} timed` : "",
    })}\n`,
  );
  process.exit(0);
}
