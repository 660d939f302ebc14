/**
 * The one-dimensional transforms of Winograd's minimal filtering for three or five taps: `Y = Aᵀ[(G g) ⊙ (Bᵀ d)]`.
 * The two-dimensional ones apply them to columns, then to rows.
 *
 * Interpolation points are 0, ∞ and one or two pairs ±p, as many as a tile has inputs. For six inputs the usual ±1, ±2
 * lose more than a digit; ±11/16, ±3/2 halve the error (root mean square 8·10⁻⁷ of the result over 64 channels, largest
 * 4·10⁻⁶) and have transforms of input and output whose constants are exact in float32.
 *
 * Source: Lavin & Gray, Fast Algorithms for Convolutional Neural Networks, 2015, section 4; for the choice of
 * points Barabasz et al., Error Analysis and Improving the Accuracy of Winograd Convolution, 2020.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features } from "../kernel.ts";
import { multiplyAdd } from "./microKernel.ts";

/** F(outputs × outputs, taps × taps): results and taps per tile and axis. */
export interface TileForm {
  readonly outputs: 2 | 4;
  readonly taps: 3 | 5;
}

/** The forms there are, those of the same taps by ascending outputs. */
export const tileForms: readonly TileForm[] = [
  { outputs: 2, taps: 3 },
  { outputs: 4, taps: 3 },
  { outputs: 2, taps: 5 },
];

/** Input pixels, and products, per tile and axis. */
export function tileInputs({ outputs, taps }: TileForm): number {
  return outputs + taps - 1;
}

/** The pairs ±p among the points, which with 0 and ∞ are as many as the inputs. */
function pointPairs(form: TileForm): readonly number[] {
  return tileInputs(form) === 4 ? [1] : [11 / 16, 3 / 2];
}

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
export function transformSizes(kind: TransformKind, form: TileForm): [number, number] {
  const { outputs, taps } = form;
  const inner = tileInputs(form);
  const sizes: Record<TransformKind, [number, number]> = {
    filter: [taps, inner],
    input: [inner, inner],
    output: [inner, outputs],
    outputGradient: [outputs, inner],
    filterGradient: [inner, taps],
  };
  return sizes[kind];
}

/** Writes one transform; `use` gets the results, whose locals live until it returns. */
export function emitTransform(
  f: FunctionBuilder,
  features: Features,
  kind: TransformKind,
  form: TileForm,
  values: readonly Lane[],
  use: (results: readonly Lane[]) => void,
): void {
  const spare = f.local("v128");
  const made: Local[] = [];
  const code = laneCode(f, features, spare, made);
  use(transforms[kind](code, values, form));
  f.release(spare, ...made);
}

type Transform = (code: LaneCode, v: readonly Lane[], form: TileForm) => Lane[];

/**
 * Rows of G: `(1, p, p², …) / Π (p − q)` over the other points q, and (0, …, 0, 1) for ∞; of Aᵀ: the powers of the
 * points; of Bᵀ: the coefficients of `Π (x − q)`, and of `x Π (x² − p²)` for ∞.
 */
const transforms: Readonly<Record<TransformKind, Transform>> = {
  filter(code, g, form) {
    const points = pointPairs(form);
    const results = [code.scale(g[0]!, weightAtZero(points))];
    for (const p of points) {
      const scale = weightAt(p, points);
      const even = code.scale(halfPolynomial(code, g, 0, p), scale);
      const odd = halfPolynomial(code, g, 1, p);
      results.push(code.madd(odd, p * scale, even), code.madd(odd, -p * scale, even));
    }
    return [...results, g.at(-1)!];
  },
  input(code, d, form) {
    const points = pointPairs(form);
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
  output(code, m, form) {
    const points = pointPairs(form);
    const halves = sumsAndDifferences(code, m, points);
    return Array.from({ length: form.outputs }, (_, power) => {
      const end = power === 0 ? m[0] : power === form.outputs - 1 ? m.at(-1) : undefined;
      return powerSum(code, halves, power, points, () => 1, end);
    });
  },
  outputGradient(code, y, form) {
    const results = [y[0]!];
    for (const p of pointPairs(form)) {
      const even = halfPolynomial(code, y, 0, p);
      const odd = halfPolynomial(code, y, 1, p);
      results.push(code.madd(odd, p, even), code.madd(odd, -p, even));
    }
    return [...results, y.at(-1)!];
  },
  filterGradient(code, u, form) {
    const points = pointPairs(form);
    const first = code.scale(u[0]!, weightAtZero(points));
    const halves = sumsAndDifferences(code, u, points);
    return Array.from({ length: form.taps }, (_, power) => {
      const end = power === 0 ? first : power === form.taps - 1 ? u.at(-1) : undefined;
      return powerSum(code, halves, power, points, (p) => weightAt(p, points), end);
    });
  },
};

/** The even (`first` 0) or the odd (1) part of the polynomial with coefficients `v` at p, the odd one over p. */
function halfPolynomial(code: LaneCode, v: readonly Lane[], first: 0 | 1, p: number): Lane {
  const [highest, ...lower] = v.filter((_, power) => power % 2 === first).reverse();
  return lower.reduce((value, lane) => code.madd(value, p * p, lane), highest!);
}

/** For every pair of points ±p the sum and the difference of its two values. */
function sumsAndDifferences(
  code: LaneCode,
  v: readonly Lane[],
  points: readonly number[],
): [Lane, Lane][] {
  return points.map((_, i) => {
    const [plus, minus] = [v[1 + 2 * i]!, v[2 + 2 * i]!];
    return [code.add(plus, minus), code.sub(plus, minus)];
  });
}

/** `Σ p^power · weight(p) · value(p)` over the pairs of points, and `end`, what 0 or ∞ adds, before them. */
function powerSum(
  code: LaneCode,
  halves: readonly [Lane, Lane][],
  power: number,
  points: readonly number[],
  weight: (p: number) => number,
  end: Lane | undefined,
): Lane {
  let sum = end;
  for (const [i, p] of points.entries()) {
    const half = halves[i]![power % 2]!;
    const factor = p ** power * weight(p);
    if (sum === undefined) sum = code.scale(half, factor);
    else sum = factor === 1 ? code.add(sum, half) : code.madd(half, factor, sum);
  }
  return sum!;
}

/** `1 / Π (0 − q)` over the pairs of points. */
function weightAtZero(points: readonly number[]): number {
  return 1 / points.reduce((product, p) => product * -p * p, 1);
}

/** `1 / Π (p − q)` over 0, −p and the other pairs; the same for p and −p. */
function weightAt(p: number, points: readonly number[]): number {
  const others = points.filter((q) => q !== p).map((q) => p * p - q * q);
  return 1 / others.reduce((product, factor) => product * factor, 2 * p * p);
}
