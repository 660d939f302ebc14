import { type ContentFacts, colorSide, lumaSide } from "../prepare/facts.ts";
import { createDisjointSets } from "./disjointSets.ts";

/** Two images that show the same thing. */
export interface DuplicatePair {
  readonly first: number;
  readonly second: number;
  /** Largest correlation of their luma over small shifts, at most 1. */
  readonly similarity: number;
}

export interface NearDuplicateOptions {
  /**
   * Least similarity, in (0, 1]. Default 0.93, for groups 0.9. Measured on 2,062 photos of hands (two
   * million pairs of different photos) 0.93 takes 27 pairs for duplicates, nearly all of one person's
   * same hand; of copies that were brightened by 20 %, shifted by 5 % or cropped by 4 % it finds 90 %.
   */
  readonly minSimilarity?: number;
}

// Differing bits, of 64, up to which two difference hashes make a pair worth a look.
const maxHashDistance = 12;
// The same for the correlation of 8x8 luma, which survives shifts that the hash does not.
const minCoarseCorrelation = 0.8;
// Looking at every pair with the coarse pictures takes 0.08 µs each: 17 s for 20,000 images. Above
// that only the hash (a tenth of it) proposes.
const maxCoarseImages = 20_000;
// Mean difference of chroma, in levels: things of one shape and two colours are two things.
const maxChromaDifference = 8;

/**
 * Finds pairs of near-duplicates: the same picture re-encoded, resized, brightened, slightly cropped,
 * turned or shifted, or the next picture of a burst.
 *
 * Two cheap tests propose (Hamming distance of the difference hashes; correlation of 8x8 luma), an
 * expensive one decides: the best correlation of the 32x32 luma over shifts of up to 3 of its pixels
 * (10 % of the image), with chroma compared as well. Images without contrast have no hash worth the
 * name; the correlation of noise decides against them, except when their signatures are equal.
 *
 * Every pair is looked at, which takes a core 0.3 s for 2,000 images, 4 s for 10,000 and
 * 17 s for 20,000, more where everything looks alike.
 */
export function findNearDuplicates(
  facts: readonly (ContentFacts | undefined)[],
  options: NearDuplicateOptions = {},
): DuplicatePair[] {
  const { minSimilarity = 0.93 } = options;
  const known = facts.flatMap((fact, index) => (fact === undefined ? [] : [{ fact, index }]));
  const hashes = Uint32Array.from(known.flatMap(({ fact }) => fact.hash));
  const coarse = known.length <= maxCoarseImages ? coarsePictures(known) : undefined;
  const pictures = known.map(({ fact: { signature } }) => ({
    luma: signature,
    half: Uint8Array.from(shrink(signature, lumaSide, halfSide)),
  }));
  const pairs: DuplicatePair[] = [];
  for (let i = 0; i < known.length; i++) {
    for (let j = 0; j < i; j++) {
      const distance =
        countBits(hashes[2 * i]! ^ hashes[2 * j]!) +
        countBits(hashes[2 * i + 1]! ^ hashes[2 * j + 1]!);
      const isCandidate =
        distance <= maxHashDistance ||
        (coarse !== undefined && dot(coarse, i, j) >= minCoarseCorrelation);
      if (!isCandidate) continue;
      const similarity = compare(pictures[i]!, pictures[j]!, minSimilarity);
      if (similarity >= minSimilarity) {
        pairs.push({ first: known[j]!.index, second: known[i]!.index, similarity });
      }
    }
  }
  return pairs.sort(
    (a, b) => b.similarity - a.similarity || a.first - b.first || a.second - b.second,
  );
}

// Above this similarity a single pair joins two clusters.
const certain = 0.95;

/**
 * The pairs that may join images into one group. Single links chain: in a class of look-alikes each
 * image is near the next one, and soon all are one group. So two clusters are joined, the most similar
 * first, only if they are certainly alike in one pair or alike in half of their pairs.
 */
export function trustedLinks(pairs: readonly DuplicatePair[]): DuplicatePair[] {
  const indices = [...new Set(pairs.flatMap(({ first, second }) => [first, second]))];
  const numbers = new Map(indices.map((index, number) => [index, number]));
  const clusters = createDisjointSets(indices.length);
  const members = indices.map((_, number) => [number]);
  const keyOf = (a: number, b: number): number => Math.min(a, b) * indices.length + Math.max(a, b);
  const alike = new Set(
    pairs.map(({ first, second }) => keyOf(numbers.get(first)!, numbers.get(second)!)),
  );
  return pairs.filter(({ first, second, similarity }) => {
    const a = clusters.find(numbers.get(first)!);
    const b = clusters.find(numbers.get(second)!);
    if (a === b) return false;
    if (similarity < certain) {
      let count = 0;
      for (const x of members[a]!) for (const y of members[b]!) if (alike.has(keyOf(x, y))) count++;
      if (2 * count < members[a]!.length * members[b]!.length) return false;
    }
    clusters.join(a, b);
    members[clusters.find(a)] = [...members[a]!, ...members[b]!];
    return true;
  });
}

const coarseSide = 8;
const coarseArea = coarseSide * coarseSide;
const halfSide = lumaSide / 2;

// 8x8 luma of each image with mean 0 and length 1, so that a dot product is a correlation.
function coarsePictures(known: readonly { readonly fact: ContentFacts }[]): Float32Array {
  const all = new Float32Array(known.length * coarseArea);
  known.forEach(({ fact }, image) => {
    const picture = all.subarray(image * coarseArea, (image + 1) * coarseArea);
    picture.set(shrink(fact.signature, lumaSide, coarseSide));
    const mean = picture.reduce((sum, value) => sum + value, 0) / coarseArea;
    let squares = 0;
    for (let i = 0; i < coarseArea; i++) {
      picture[i]! -= mean;
      squares += picture[i]! ** 2;
    }
    const length = Math.sqrt(squares);
    for (let i = 0; i < coarseArea; i++) picture[i] = length === 0 ? 0 : picture[i]! / length;
  });
  return all;
}

// Block averages of a square picture.
function shrink(picture: Uint8Array, from: number, to: number): Float32Array {
  const small = new Float32Array(to * to);
  const block = from / to;
  for (let y = 0; y < from; y++) {
    for (let x = 0; x < from; x++) {
      small[Math.floor(y / block) * to + Math.floor(x / block)]! += picture[y * from + x]!;
    }
  }
  return small.map((sum) => sum / (block * block));
}

function dot(pictures: Float32Array, first: number, second: number): number {
  let a = first * coarseArea;
  let b = second * coarseArea;
  let sum = 0;
  for (let i = 0; i < coarseArea; i++) sum += pictures[a++]! * pictures[b++]!;
  return sum;
}

function countBits(word: number): number {
  let x = word - ((word >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  x = (x + (x >>> 4)) & 0x0f0f0f0f;
  return Math.imul(x, 0x01010101) >>> 24;
}

/** A signature with its luma at half size, which the first round of comparing uses. */
interface Picture {
  readonly luma: Uint8Array;
  readonly half: Uint8Array;
}

const maxShift = 3;
// How far the best shift of the half-size pictures may stay below what is wanted at full size.
const halfTolerance = 0.15;

// Steps of two pixels on the half-size pictures first: where none comes near, none between arrives.
function compare(a: Picture, b: Picture, minSimilarity: number): number {
  if (chromaDifference(a.luma, b.luma) > maxChromaDifference) return 0;
  if (a.luma.every((value, i) => value === b.luma[i])) return 1;
  let best = -1;
  let bestX = 0;
  let bestY = 0;
  for (let y = -1; y <= 1; y++) {
    for (let x = -1; x <= 1; x++) {
      const correlation = correlate(a.half, b.half, halfSide, x, y);
      if (correlation > best) [best, bestX, bestY] = [correlation, 2 * x, 2 * y];
    }
  }
  if (best < minSimilarity - halfTolerance) return 0;
  best = -1;
  for (let y = Math.max(-maxShift, bestY - 1); y <= Math.min(maxShift, bestY + 1); y++) {
    for (let x = Math.max(-maxShift, bestX - 1); x <= Math.min(maxShift, bestX + 1); x++) {
      best = Math.max(best, correlate(a.luma, b.luma, lumaSide, x, y));
    }
  }
  return best;
}

// Correlation of luma where the two overlap when the second is moved by (dx, dy).
function correlate(a: Uint8Array, b: Uint8Array, side: number, dx: number, dy: number): number {
  let count = 0;
  let sumA = 0;
  let sumB = 0;
  let sumAA = 0;
  let sumBB = 0;
  let sumAB = 0;
  const lastY = Math.min(side, side + dy);
  const firstX = Math.max(0, dx);
  const lastX = Math.min(side, side + dx);
  const back = dy * side + dx;
  for (let y = Math.max(0, dy); y < lastY; y++) {
    const end = y * side + lastX;
    for (let at = y * side + firstX; at < end; at++) {
      const p = a[at]!;
      const q = b[at - back]!;
      sumA += p;
      sumB += q;
      sumAA += p * p;
      sumBB += q * q;
      sumAB += p * q;
    }
    count += lastX - firstX;
  }
  const varianceA = sumAA - (sumA * sumA) / count;
  const varianceB = sumBB - (sumB * sumB) / count;
  // Less than one level of deviation is compression noise, and noise has no likeness.
  if (varianceA < count || varianceB < count) return 0;
  return (sumAB - (sumA * sumB) / count) / Math.sqrt(varianceA * varianceB);
}

function chromaDifference(a: Uint8Array, b: Uint8Array): number {
  const cells = colorSide * colorSide;
  let sum = 0;
  for (let i = 0, at = lumaSide * lumaSide; i < cells; i++, at += 3) {
    const greyA = (a[at]! + a[at + 1]! + a[at + 2]!) / 3;
    const greyB = (b[at]! + b[at + 1]! + b[at + 2]!) / 3;
    for (let c = 0; c < 3; c++) sum += Math.abs(a[at + c]! - greyA - b[at + c]! + greyB);
  }
  return sum / (3 * cells);
}
