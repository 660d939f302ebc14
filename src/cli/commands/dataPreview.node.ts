import { z } from "zod";
import { RandomStream } from "../../core/random.ts";
import { parseAugmentations } from "../../data/augment/parse.ts";
import { encodePng } from "../../data/decode/encodePng.ts";
import type { Pixels } from "../../data/decode/pixels.ts";
import { selectItems } from "../../data/manifest.ts";
import { openData } from "../../data/openData.node.ts";
import { toInput } from "../../data/prepare/geometry.ts";
import { contactSheet } from "../../data/preview/contactSheet.ts";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import { choosePlan } from "../../runs/choosePlan.ts";
import { prepareData, scanImages } from "../../runs/prepareData.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { checkFree } from "../outFile.node.ts";

/** `striate data preview`: a sheet of images as the net will see them. */
export const dataPreviewCommand = defineCommand({
  summary: "Write a contact sheet: images as they are, and what augmentation makes of them.",
  details:
    "Each row begins with an image as validation sees it; versions that training may see follow.",
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    out: z
      .string()
      .default("preview.png")
      .meta({ placeholder: "FILE" })
      .describe("PNG file to write"),
    overwrite: z.boolean().default(false).describe("replace a file that is there"),
    augment: z
      .string()
      .optional()
      .meta({ placeholder: "LIST" })
      .describe("augmentations, as for train (chosen for the data if left out)"),
    input: z
      .string()
      .regex(/^\d+x\d+(x[13])?$/, "expected HxWxC, as 64x64x3")
      .optional()
      .meta({ placeholder: "HxWxC" })
      .describe("size of the images that the net sees"),
    images: z.number().int().min(1).max(100).default(8).describe("rows: images to show"),
    versions: z
      .number()
      .int()
      .min(0)
      .max(40)
      .default(7)
      .describe("columns: augmented versions of each"),
    seed: z.number().int().min(0).default(0).describe("number from which all randomness is drawn"),
    ...commonOptions,
  }),
  examples: ['striate data preview photos/ --augment "randomCrop(padding=4), horizontalFlip"'],
  async run({ signal }, [path = ""], { out, overwrite, augment, input, images, versions, seed }) {
    await checkFree(out, overwrite);
    const set = await openData(path);
    const scan = await scanImages(set, { signal });
    const wanted = {
      ...(augment === undefined ? {} : { augment }),
      ...(input === undefined ? {} : { input }),
    };
    const { plan } = choosePlan(set, scan, wanted, seed);
    const chosen = new RandomStream(seed, "preview").permutation(set.items.length).slice(0, images);
    const prepared = await prepareData(selectItems(set, [...chosen]), plan.geometry, { signal });
    const { augmentations } = parseAugmentations(plan.augment);
    const tiles: Pixels[] = [];
    for (let index = 0; index < prepared.set.items.length; index++) {
      const stored = await prepared.pixels(index);
      tiles.push(toInput(stored, plan.geometry));
      for (let version = 0; version < versions; version++) {
        const changed = augmentations.reduce(
          (image, augmentation, which) =>
            augmentation.apply(
              image,
              new RandomStream(seed, `preview/${which}/${index}/${version}`),
              plan.geometry,
            ),
          stored,
        );
        tiles.push(toInput(changed, plan.geometry));
      }
    }
    await writeFileAtomic(out, encodePng(contactSheet(tiles, { columns: versions + 1 })));
    return {
      document: { file: out, images: prepared.set.items.length, versions, augment: plan.augment },
      text: `Written ${out}: ${prepared.set.items.length} images with ${versions} versions each`,
    };
  },
});
