import { UnsupportedError } from "../core/errors.ts";
import type { DataSet } from "../data/manifest.ts";
import type { Geometry } from "../data/prepare/geometry.ts";
import { type PreparedSet, prepareImages } from "../data/prepare/prepareImages.ts";
import { type Preparer, prepareRecord } from "../data/prepare/preparer.ts";

/**
 * Brings the images of a set into the form of a net's input. Files need decoders, whose addresses only the page
 * knows: prepare them with `prepareImages` and `webCodecs` of "striate/data", and give the result to `train`.
 */
export function prepareSet(set: DataSet, geometry: Geometry): Promise<PreparedSet> {
  const settings = { geometry };
  const preparer: Preparer = {
    settings,
    concurrency: 1,
    prepare: ({ id, source }) => {
      if (source.kind === "pixels") return prepareRecord(source, settings);
      throw new UnsupportedError(
        `${id}: files are not decoded here in a browser; use prepareImages with webCodecs of "striate/data".`,
      );
    },
    close: async () => {},
  };
  return prepareImages(set, { preparer });
}
