/**
 * The one-dimensional transforms of Winograd's minimal filtering for three taps: `Y = Aᵀ[(G g) ⊙ (Bᵀ d)]`. The
 * two-dimensional ones apply them to columns, then to rows.
 *
 * Interpolation points are 0, ∞ and one or two pairs ±p. For four outputs the usual ±1, ±2 lose more than a digit;
 * ±11/16, ±3/2 halve the error (root mean square 8·10⁻⁷ of the result over 64 channels, largest 4·10⁻⁶) and have
 * transforms of input and output whose constants are exact in float32.
 *
 * Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4; for the choice of
 * points Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution, 2020.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features } from "../kernel.ts";
import { multiplyAdd } from "./microKernel.ts";

/** Outputs per tile and axis. */
export type TileOutputs = 2 | 4;

/** Input pixels, and products, per tile and axis. */
export function tileInputs(outputs: TileOutputs): number {
  return outputs + 2;
}

const pairs: Readonly<Record<TileOutputs, readonly number[]>> = { 2: [1], 4: [11 / 16, 3 / 2] };

/** Vectors that go through the same arithmetic, neighbours in memory. */
export type Lane = readonly Local[];

/** Arithmetic on lanes; every result is in fresh locals. */
interface LaneCode {
  add(a: Lane, b: Lane): Lane;
  sub(a: Lane, b: Lane): Lane;
  /** constant · a */
  scale(a: Lane, constant: number): Lane;
  /** constant · a + b */
  madd(a: Lane, constant: number, b: Lane): Lane;
}

function laneCode(f: FunctionBuilder, features: Features, spare: Local, made: Local[]): LaneCode {
  const each = (a: Lane, code: (local: Local, index: number) => void): Lane =>
    a.map((local, index) => {
      code(local, index);
      const result = f.local("v128");
      f.set(result);
      made.push(result);
      return result;
    });
  return {
    add: (a, b) => each(a, (local, i) => f.get(local).get(b[i]!).op("f32x4.add")),
    sub: (a, b) => each(a, (local, i) => f.get(local).get(b[i]!).op("f32x4.sub")),
    scale: (a, value) =>
      value === 1
        ? a
        : each(a, (local) => f.get(local).get(f.constant("f32x4", value)).op("f32x4.mul")),
    madd: (a, value, b) =>
      each(a, (local, i) => {
        f.get(local).get(f.constant("f32x4", value)).get(b[i]!);
        multiplyAdd(f, features, spare);
      }),
  };
}

/**
 * Which of the transforms: `filter` is G, `input` Bᵀ, `output` Aᵀ; the adjoint ones, for the gradient of the
 * weights `dg = Gᵀ [(A dY) ⊙ (Bᵀ d)]`, are `outputGradient` A and `filterGradient` Gᵀ.
 */
export type TransformKind = "filter" | "input" | "output" | "outputGradient" | "filterGradient";

/** Number of values and of results of a transform. */
export function transformSizes(kind: TransformKind, outputs: TileOutputs): [number, number] {
  const inner = tileInputs(outputs);
  const sizes: Record<TransformKind, [number, number]> = {
    filter: [3, inner],
    input: [inner, inner],
    output: [inner, outputs],
    outputGradient: [outputs, inner],
    filterGradient: [inner, 3],
  };
  return sizes[kind];
}

/** Writes one transform; `use` gets the results, whose locals live until it returns. */
export function emitTransform(
  f: FunctionBuilder,
  features: Features,
  kind: TransformKind,
  outputs: TileOutputs,
  values: readonly Lane[],
  use: (results: readonly Lane[]) => void,
): void {
  const spare = f.local("v128");
  const made: Local[] = [];
  const code = laneCode(f, features, spare, made);
  use(transforms[kind](code, values, pairs[outputs]));
  f.release(spare, ...made);
}

type Transform = (code: LaneCode, v: readonly Lane[], points: readonly number[]) => Lane[];

/**
 * Rows of G: `(1, p, p²) / Π (p − q)` over the other points q, and (0, 0, 1) for ∞; of Aᵀ: the powers of the
 * points; of Bᵀ: the coefficients of `Π (x − q)`, and of `x Π (x² − p²)` for ∞.
 */
const transforms: Readonly<Record<TransformKind, Transform>> = {
  filter(code, [g0, g1, g2], points) {
    const results = [code.scale(g0!, weightAtZero(points))];
    for (const p of points) {
      const scale = weightAt(p, points);
      const even = code.scale(code.madd(g2!, p * p, g0!), scale);
      results.push(code.madd(g1!, p * scale, even), code.madd(g1!, -p * scale, even));
    }
    return [...results, g2!];
  },
  input(code, d, points) {
    const last = d.length - 1;
    if (points.length === 1) {
      const p = points[0]!;
      return [
        code.madd(d[0]!, -p * p, d[2]!),
        code.madd(d[1]!, p, d[2]!),
        code.madd(d[1]!, -p, d[2]!),
        code.madd(d[1]!, -p * p, d[3]!),
      ];
    }
    const [a, b] = points.map((p) => p * p) as [number, number];
    const ends = (first: number): Lane =>
      code.madd(d[first + 2]!, -a - b, code.madd(d[first]!, a * b, d[first + 4]!));
    const results = [ends(0)];
    for (const [p, other] of [
      [points[0]!, b],
      [points[1]!, a],
    ] as const) {
      const even = code.madd(d[2]!, -other, d[4]!);
      const odd = code.madd(d[1]!, -other, d[3]!);
      results.push(code.madd(odd, p, even), code.madd(odd, -p, even));
    }
    return [...results, ends(last - 4)];
  },
  output(code, m, points) {
    const sums = points.map((_, i) => code.add(m[1 + 2 * i]!, m[2 + 2 * i]!));
    const differences = points.map((_, i) => code.sub(m[1 + 2 * i]!, m[2 + 2 * i]!));
    const last = m.at(-1)!;
    if (points.length === 1) {
      return [code.add(m[0]!, sums[0]!), code.madd(differences[0]!, points[0]!, last)];
    }
    const [a, b] = points as [number, number];
    const [sumA, sumB] = sums as [Lane, Lane];
    const [differenceA, differenceB] = differences as [Lane, Lane];
    return [
      code.add(code.add(m[0]!, sumA), sumB),
      code.madd(differenceB, b, code.scale(differenceA, a)),
      code.madd(sumB, b * b, code.scale(sumA, a * a)),
      code.madd(differenceB, b ** 3, code.madd(differenceA, a ** 3, last)),
    ];
  },
  outputGradient(code, y, points) {
    const results = [y[0]!];
    for (const p of points) {
      const even = y.length > 2 ? code.madd(y[2]!, p * p, y[0]!) : y[0]!;
      const odd = y.length > 2 ? code.madd(y[3]!, p * p, y[1]!) : y[1]!;
      results.push(code.madd(odd, p, even), code.madd(odd, -p, even));
    }
    return [...results, y.at(-1)!];
  },
  filterGradient(code, u, points) {
    let first = code.scale(u[0]!, weightAtZero(points));
    let second: Lane | undefined;
    let third = u.at(-1)!;
    for (const [i, p] of points.entries()) {
      const scale = weightAt(p, points);
      const sum = code.add(u[1 + 2 * i]!, u[2 + 2 * i]!);
      const difference = code.sub(u[1 + 2 * i]!, u[2 + 2 * i]!);
      first = code.madd(sum, scale, first);
      third = code.madd(sum, p * p * scale, third);
      second =
        second === undefined
          ? code.scale(difference, p * scale)
          : code.madd(difference, p * scale, second);
    }
    return [first, second!, third];
  },
};

/** `1 / Π (0 − q)` over the pairs of points. */
function weightAtZero(points: readonly number[]): number {
  return 1 / points.reduce((product, p) => product * -p * p, 1);
}

/** `1 / Π (p − q)` over 0, −p and the other pairs; the same for p and −p. */
function weightAt(p: number, points: readonly number[]): number {
  const others = points.filter((q) => q !== p).map((q) => p * p - q * q);
  return 1 / others.reduce((product, factor) => product * factor, 2 * p * p);
}
