import { RandomStream } from "../../core/random.ts";

/** In which order, and how often, an epoch shows the images. */
export const samplings = ["sequential", "shuffle", "balanced"] as const;
export type Sampling = (typeof samplings)[number];

/**
 * The positions (0 … `labels.length` − 1) that an epoch shows, in order; as many as there are images.
 *
 * `sequential`: as they are. `shuffle`: each once, in random order. `balanced`: every class equally
 * often (to within one), each class in random order and begun anew when it is through, the classes
 * mixed. A pure function of labels, seed and epoch.
 */
export function epochOrder(
  labels: ArrayLike<number>,
  sampling: Sampling,
  seed: number,
  epoch: number,
): Int32Array {
  const count = labels.length;
  if (sampling === "sequential") return Int32Array.from({ length: count }, (_, i) => i);
  const stream = new RandomStream(seed, `shuffle/${epoch}`);
  if (sampling === "shuffle") return stream.permutation(count);
  const members = membersOf(labels);
  // Which classes get the places that do not divide evenly is drawn anew each epoch.
  const turns = stream.permutation(members.length);
  const picked = new Int32Array(count);
  const queues = members.map(() => [] as number[]);
  for (let i = 0; i < count; i++) {
    const member = turns[i % members.length]!;
    const queue = queues[member]!;
    if (queue.length === 0) {
      const own = members[member]!;
      for (const at of new RandomStream(seed, `balance/${epoch}/${member}/${i}`).permutation(
        own.length,
      )) {
        queue.push(own[at]!);
      }
    }
    picked[i] = queue.pop()!;
  }
  return stream.permutation(count).map((at) => picked[at]!);
}

function membersOf(labels: ArrayLike<number>): number[][] {
  const byLabel = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const members = byLabel.get(labels[i]!);
    if (members === undefined) byLabel.set(labels[i]!, [i]);
    else members.push(i);
  }
  return [...byLabel.entries()].sort(([a], [b]) => a - b).map(([, members]) => members);
}
