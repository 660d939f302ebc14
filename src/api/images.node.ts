import type { DataSet } from "../data/manifest.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import { prepareData } from "../runs/prepareData.node.ts";

/** Decodes the images of a set for a net, on all cores, with a cache on disk. */
export function prepareSet(set: DataSet, geometry: Geometry): Promise<PreparedSet> {
  return prepareData(set, geometry);
}
