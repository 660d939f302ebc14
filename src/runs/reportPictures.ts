import { RandomStream } from "../core/random.ts";
import { encodePng } from "../data/decode/encodePng.ts";
import type { Pixels } from "../data/decode/pixels.ts";
import { resize } from "../data/decode/resize.ts";
import { toInput } from "../data/prepare/geometry.ts";
import type { PreparedSet } from "../data/prepare/prepareImages.ts";
import type { ReportPicture, ReportPictures } from "../report/pictures.ts";
import type { Prediction } from "../train/predictions.ts";
import { evenChoice } from "./pixelTable.ts";
import { type Plan, planAugmentation } from "./plan.ts";
import type { RunData } from "./runData.node.ts";

/** Mistakes that are shown, the most confident first. */
const mistakesShown = 240;
/** Right answers shown of each class, the least confident first. */
const rightShown = 6;
const samplesShown = 24;
const augmentedShown = 4;
const versionsShown = 7;
/** Longer side of a picture in the report. */
const pictureSide = 96;

/** The images of a report: mistakes and some right answers, training images, and what augmentation makes of them. */
export async function reportPictures(
  { prepared, split }: RunData,
  plan: Plan,
  predictions: readonly Prediction[],
): Promise<ReportPictures> {
  const indexOf = new Map(prepared.set.items.map(({ id }, index) => [id, index]));
  const shown = new Set(chooseShown(predictions, plan.classes.length));
  const validation: ReportPicture[] = [];
  for (const row of predictions) {
    const { file, label, predicted, probabilities } = row;
    const facts = { file, label, predicted, confidence: probabilities[predicted]! };
    const index = indexOf.get(file);
    validation.push(
      shown.has(row) && index !== undefined
        ? { ...facts, picture: await pictureOf(prepared, index) }
        : facts,
    );
  }
  const samples = [];
  for (const index of evenChoice(split.train, samplesShown)) {
    const label = prepared.set.classes[prepared.set.items[index]!.label]!;
    samples.push({ label, picture: await pictureOf(prepared, index) });
  }
  return { validation, samples, augmented: await augmentedPictures(prepared, split.train, plan) };
}

function chooseShown(predictions: readonly Prediction[], classes: number): Prediction[] {
  const confidence = ({ probabilities, predicted }: Prediction) => probabilities[predicted]!;
  const wrong = predictions.filter(({ label, predicted }) => label !== predicted);
  wrong.sort((a, b) => confidence(b) - confidence(a));
  const right = Array.from({ length: classes }, (_, label) =>
    predictions
      .filter((row) => row.label === label && row.predicted === label)
      .sort((a, b) => confidence(a) - confidence(b))
      .slice(0, rightShown),
  );
  return [...wrong.slice(0, mistakesShown), ...right.flat()];
}

/** A prepared image, as validation sees it, as a small `data:` address. */
export async function pictureOf(prepared: PreparedSet, index: number): Promise<string> {
  return encode(toInput(await prepared.pixels(index), prepared.geometry));
}

async function augmentedPictures(
  prepared: PreparedSet,
  train: readonly number[],
  plan: Plan,
): Promise<ReportPictures["augmented"]> {
  const { augmentations } = planAugmentation(plan);
  if (augmentations.length === 0) return [];
  const shown = [];
  for (const index of evenChoice(train, augmentedShown)) {
    const stored = await prepared.pixels(index);
    const versions = Array.from({ length: versionsShown }, (_, version) =>
      augmentations.reduce(
        (image, augmentation, which) =>
          augmentation.apply(
            image,
            new RandomStream(plan.seed, `report/${which}/${index}/${version}`),
            prepared.geometry,
          ),
        stored,
      ),
    );
    shown.push({
      picture: encode(toInput(stored, prepared.geometry)),
      versions: versions.map((image) => encode(toInput(image, prepared.geometry))),
    });
  }
  return shown;
}

/** An image as a `data:` address. */
function encode(image: Pixels): string {
  const scale = Math.min(1, pictureSide / Math.max(image.width, image.height));
  const small =
    scale === 1
      ? image
      : resize(
          image,
          Math.round(image.width * scale),
          Math.round(image.height * scale),
          "bilinear",
        );
  const bytes = encodePng(small);
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return `data:image/png;base64,${btoa(text)}`;
}
