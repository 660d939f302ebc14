import { TrainingError } from "../core/errors.ts";
import { totalBytes } from "../plan/backend.ts";
import type { Trainer } from "./trainer.ts";

/** How a batch was made to fit into memory. */
export interface MemoryFit {
  readonly batch: number;
  /** Images that are computed at once; the batch's gradient is added up over such parts. */
  readonly part: number;
  /** What the whole batch at once would have taken. */
  readonly wholeBytes: number;
  readonly limitBytes: number;
  /** Whether the net has batch norms, whose statistics are now those of the parts. */
  readonly batchNorm: boolean;
}

/** Into how many parts a batch is cut at first; then into twice, four times, … as many. */
const firstCuts = [2, 3] as const;

/**
 * Finds into how many parts the batches of these sizes must be cut to be trained on within a limit, and tells the
 * trainer; `undefined` where whole batches fit. Nothing is allocated for it.
 *
 * @throws TrainingError where not even parts of one image fit, with the batch that does if there is one.
 */
export async function fitMemory(
  trainer: Trainer,
  batchSizes: readonly number[],
  limitBytes: number,
): Promise<MemoryFit | undefined> {
  const limit = Math.min(limitBytes, trainer.memoryLimitBytes);
  if (limit === Number.POSITIVE_INFINITY) return undefined;
  const batch = Math.max(...batchSizes);
  const whole = await trainer.measure(batchSizes, batch);
  if (totalBytes(whole) <= limit) return undefined;
  const batchNorm = trainer.parameters.some(({ name }) => name.endsWith("running_var"));
  let smallest = whole;
  for (const part of partsOf(batch)) {
    smallest = await trainer.measure(batchSizes, part);
    if (totalBytes(smallest) > limit) continue;
    trainer.cutBatches(part);
    return { batch, part, wholeBytes: totalBytes(whole), limitBytes: limit, batchNorm };
  }
  throw new TrainingError(
    `training needs ${mebibytes(totalBytes(smallest))} even for one image at a time: ${mebibytes(smallest.stateBytes)} for weights and optimizer, ${mebibytes(smallest.keptBytes)} for packed weights, ${mebibytes(smallest.arenaBytes)} for the image; the limit is ${mebibytes(limit)}. ${await remedy(trainer, batch, limit)}`,
  );
}

/** Adding up gradients takes room for their sum, so a smaller batch at once may fit where parts do not. */
async function remedy(trainer: Trainer, batch: number, limit: number): Promise<string> {
  for (const size of partsOf(batch)) {
    const bytes = totalBytes(await trainer.measure([size], size));
    if (bytes <= limit) return `A batch of ${size} fits, with ${mebibytes(bytes)}.`;
  }
  return "Use a smaller net or input.";
}

/** Sizes of parts to try, from the largest down to one image. */
function partsOf(batch: number): number[] {
  const parts: number[] = [];
  for (let factor = 1; parts.at(-1) !== 1 && batch > 1; factor *= 2) {
    for (const cuts of firstCuts) parts.push(Math.ceil(batch / (cuts * factor)));
  }
  return [...new Set(parts)];
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}

/** `The batch of 64 would take 900 MiB …`: what a fit means, for a person. */
export function memoryFitText(fit: MemoryFit): string {
  const { batch, part, wholeBytes, limitBytes, batchNorm } = fit;
  const norms = batchNorm
    ? ` Batch norm normalises each part by its own statistics, as if the batch were ${part}.`
    : "";
  return `A batch of ${batch} at once would take ${mebibytes(wholeBytes)}, more than the limit of ${mebibytes(limitBytes)}: its gradient is added up over parts of ${part}, which changes nothing but rounding.${norms}`;
}
