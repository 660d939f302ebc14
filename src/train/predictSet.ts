import type { Batches } from "../data/batches/batches.ts";
import type { DataSet } from "../data/manifest.ts";
import { likelihood } from "./likelihood.ts";
import type { Prediction } from "./predictions.ts";
import type { Trainer } from "./trainer.ts";

/** Runs the net over a part of a set and makes the table of predictions, in the part's order. */
export async function predictSet(
  trainer: Pick<Trainer, "evaluate">,
  batches: Batches,
  set: DataSet,
  onProgress?: (done: number, total: number) => void,
): Promise<Prediction[]> {
  const classes = set.classes.length;
  const rows: Prediction[] = [];
  for await (const { batch, scores } of trainer.evaluate(batches.epoch(0))) {
    for (let row = 0; row < batch.count; row++) {
      const item = set.items[batch.indices[row]!]!;
      const { probabilities, loss, predicted } = likelihood(scores, row, classes, item.label);
      rows.push({ file: item.id, label: item.label, predicted, probabilities, loss });
    }
    onProgress?.(rows.length, batches.imageCount);
  }
  return rows;
}
