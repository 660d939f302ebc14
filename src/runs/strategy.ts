/** How many images there are. */
export interface SetSize {
  readonly images: number;
  readonly classes: number;
  readonly perClass: {
    readonly smallest: number;
    readonly median: number;
    readonly largest: number;
  };
}

/** What a linear classifier on the codes behind one layer is right on. */
export interface DepthProbe {
  readonly cut: string;
  readonly codes: number;
  readonly accuracy: number;
  readonly ci95: readonly [number, number];
}

/** How much the weights know of the classes. */
export interface Similarity {
  readonly weights: string;
  readonly net: string;
  /** Images that were looked at. */
  readonly images: number;
  /** Accuracy of a linear classifier on the pixels. */
  readonly pixels: number;
  /** From the image to the top. */
  readonly probes: readonly DepthProbe[];
}

/** What to do with weights. */
export type Strategy = "extract" | "extract-earlier" | "finetune" | "finetune-all";

/** A recommendation, with the numbers it rests on. */
export interface Advice {
  readonly size: SetSize & { readonly isLarge: boolean; readonly largeFrom: number };
  /** Null where no weights were given. */
  readonly similarity:
    | (Similarity & {
        /** Share of the mistakes of a classifier on pixels that one on the top codes does not make. */
        readonly value: number;
        readonly isSimilar: boolean;
        readonly similarFrom: number;
        readonly best: string;
      })
    | null;
  readonly strategy: Strategy;
  readonly why: string;
  /** Flags of `train` that do it. */
  readonly flags: string;
}

/** Images of a class from which a set is large; our convention, where the rule has no number. */
const largeFrom = 500;
/** Share of the pixels' mistakes that similar weights mend at least. */
const similarFrom = 0.5;

/**
 * The rule of CS231n ("Transfer Learning", lecture notes): small and similar data, a linear classifier on the top codes;
 * large and similar, fine-tuning; small and different, a linear classifier on earlier activations; large and different,
 * fine-tuning of all layers, or training from scratch.
 *
 * Similar means here: a linear classifier on the top codes makes at most half the mistakes of one on the pixels, and no
 * earlier layer does better than the top by more than chance.
 */
export function decideStrategy(size: SetSize, measured: Similarity | undefined): Advice {
  const { median } = size.perClass;
  const isLarge = median >= largeFrom;
  const amount = `${median} images in a typical class are ${isLarge ? "many" : "few"} (${largeFrom} and more count as many)`;
  const sized = { ...size, isLarge, largeFrom };
  if (measured === undefined) {
    return {
      size: sized,
      similarity: null,
      strategy: isLarge ? "finetune" : "extract",
      why: `${amount}. How similar the data is to what weights were trained on was not measured: name some with --weights. ${isLarge ? "With many images fine-tuning pays whether they are similar or not." : "With few images a linear classifier on the codes of similar weights is the safe way."}`,
      flags: `--weights MODEL --transfer ${isLarge ? "finetune" : "extract"}`,
    };
  }
  const { probes, pixels, weights } = measured;
  const top = probes.at(-1)!;
  const best = probes.reduce((a, b) => (b.accuracy > a.accuracy ? b : a));
  const value = pixels >= 1 ? 0 : (top.accuracy - pixels) / (1 - pixels);
  const isBeaten = best.accuracy > top.ci95[1];
  const isSimilar = value >= similarFrom && !isBeaten;
  const strategy: Strategy = isLarge
    ? isSimilar
      ? "finetune"
      : "finetune-all"
    : isSimilar
      ? "extract"
      : "extract-earlier";
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const likeness = isBeaten
    ? `the data is different: ${percent(best.accuracy)} on the codes behind ${best.cut}, more than the ${percent(top.accuracy)} at the top (${top.cut})`
    : isSimilar
      ? `the data is similar: ${percent(top.accuracy)} with a linear classifier on the top codes, ${percent(pixels)} on pixels`
      : `the data is different: ${percent(top.accuracy)} with a linear classifier on the top codes, hardly more than the ${percent(pixels)} on pixels`;
  const advice: Readonly<Record<Strategy, string>> = {
    extract:
      "train a linear classifier on the top codes; fine-tuning so few images would learn them by heart",
    "extract-earlier":
      best.cut === top.cut
        ? "earlier codes are no better, so these weights help little; look for weights of something nearer, and compare with training from scratch"
        : `train a linear classifier on earlier codes (${best.cut}), which are less about what the weights were made for`,
    finetune: "fine-tune: there are enough images to move the weights, which are nearly right",
    "finetune-all": "fine-tune all layers at the full rate, or train from scratch and compare",
  };
  const cut = best.cut === top.cut ? "" : ` --cut ${best.cut}`;
  const flags: Readonly<Record<Strategy, string>> = {
    extract: "--transfer extract",
    "extract-earlier": `--transfer extract${cut}`,
    finetune: "--transfer finetune",
    "finetune-all": "--transfer finetune --body-lr 1",
  };
  return {
    size: sized,
    similarity: { ...measured, value, isSimilar, similarFrom, best: best.cut },
    strategy,
    why: `${amount}, and ${likeness}: ${advice[strategy]}.`,
    flags: `--weights ${weights} ${flags[strategy]}`,
  };
}
