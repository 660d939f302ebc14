import { RandomStream } from "../core/random.ts";

/**
 * Code words of the digits for LeNet-5's output: drawings of 7x12 pixels, a row of hexadecimal numbers per digit, one
 * number per line of pixels with the leftmost in bit 6. Drawn anew after the idea of the paper's figure 3: digits that
 * look alike get codes that are near, so that a mistake can be mended by context.
 */
const drawings: readonly string[] = [
  "00 3e 63 63 63 63 63 63 63 3e 00 00",
  "00 0c 1c 3c 0c 0c 0c 0c 0c 3f 00 00",
  "00 3e 63 03 03 06 0c 18 30 7f 00 00",
  "00 3e 63 03 03 1e 03 03 63 3e 00 00",
  "00 06 0e 1e 36 66 7f 06 06 06 00 00",
  "00 7f 60 60 7e 63 03 03 63 3e 00 00",
  "00 1e 30 60 7e 63 63 63 63 3e 00 00",
  "00 7f 03 06 06 0c 0c 18 18 18 00 00",
  "00 3e 63 63 63 3e 63 63 63 3e 00 00",
  "00 3e 63 63 63 63 3f 03 06 3c 00 00",
];

/**
 * A code of ±1 for each class: the drawings above where there are at most ten classes and 84 features, else random
 * signs of a stream of their own, always the same.
 */
export function digitCodes(classes: number, features: number): number[][] {
  if (classes <= drawings.length && features === 84) {
    return drawings.slice(0, classes).map((drawing) =>
      drawing.split(" ").flatMap((line) => {
        const bits = Number.parseInt(line, 16);
        return Array.from({ length: 7 }, (_, x) => ((bits >> (6 - x)) & 1 ? 1 : -1));
      }),
    );
  }
  const stream = new RandomStream(0, "codes of LeNet-5's output");
  const sign = () => (stream.uniform() < 0.5 ? -1 : 1);
  return Array.from({ length: classes }, () => Array.from({ length: features }, sign));
}
