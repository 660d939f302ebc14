import type { Batch } from "./batches.ts";

/** The images of a batch in parts of at most `most`, in their order; views, not copies. */
export function cutBatch(batch: Batch, most: number): Batch[] {
  const { images, labels, indices, targets, count } = batch;
  if (count <= most) return [batch];
  const [imageSize, classes] = [images.length / count, (targets?.length ?? 0) / count];
  return Array.from({ length: Math.ceil(count / most) }, (_, i) => {
    const [from, to] = [i * most, Math.min(count, (i + 1) * most)];
    return {
      images: images.subarray(from * imageSize, to * imageSize),
      labels: labels.subarray(from, to),
      indices: indices.subarray(from, to),
      count: to - from,
      ...(targets === undefined ? {} : { targets: targets.subarray(from * classes, to * classes) }),
    };
  });
}
