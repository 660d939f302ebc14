import { z } from "zod";
import { toGrey, withChannels } from "../decode/pixels.ts";
import type { AugmentationKind } from "./augmentation.ts";
import { chanceOption } from "./range.ts";

const options = () => z.strictObject({ chance: chanceOption(0.1) });

/** torchvision's `RandomGrayscale`: luma in all channels. */
export const grayscale: AugmentationKind<ReturnType<typeof options>> = {
  summary: "takes the colour away",
  options,
  create: ({ chance }) => ({
    name: "grayscale",
    apply: (image, random) =>
      random.uniform() < chance ? withChannels(toGrey(image), image.channels) : image,
  }),
};
