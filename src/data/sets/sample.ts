import { RandomStream } from "../../core/random.ts";
import { gaussianBlur } from "../augment/blur.ts";
import { encodePng } from "../decode/encodePng.ts";
import type { Pixels } from "../decode/pixels.ts";
import { createDataSet, type DataSet } from "../manifest.ts";
import { arc, type Canvas, createCanvas, type Paint, type Point, stroke } from "./canvas.ts";
import { type Colors, sampleObjects } from "./sampleObjects.ts";

export interface SampleOptions {
  /** Default 150. */
  readonly imagesPerClass?: number;
  /** Width and height. Default 64. */
  readonly size?: number;
  /** Default 1. */
  readonly seed?: number;
}

/** Class names of the sample. */
export function sampleClasses(): string[] {
  return Object.keys(sampleObjects);
}

/**
 * The data set that ships: drawn objects (fish, house, leaf, mug, mushroom, umbrella) of random build,
 * colour, size, turn and place, on plain, graded, striped or cloudy ground, among clutter, at times
 * partly hidden, lit unevenly, with noise and blur. Synthetic, and meant as nothing else: it shows the
 * program at work without a download.
 *
 * Images are drawn when they are asked for; each is a function of seed, class and number alone.
 */
export function sampleData(options: SampleOptions = {}): DataSet {
  const { imagesPerClass = 150, size = 64, seed = 1 } = options;
  return createDataSet({
    name: "sample",
    format: "memory",
    items: sampleClasses().flatMap((label) =>
      Array.from({ length: imagesPerClass }, (_, number) => ({
        id: sampleFile(label, number),
        label,
        source: { kind: "pixels" as const, pixels: () => drawSample(label, number, size, seed) },
      })),
    ),
  });
}

/** The sample as PNG files of a folder of class folders: path and bytes, one after the other. */
export function* sampleFiles(
  options: SampleOptions = {},
): Generator<{ path: string; bytes: Uint8Array }> {
  for (const item of sampleData(options).items) {
    if (item.source.kind === "pixels")
      yield { path: item.id, bytes: encodePng(item.source.pixels()) };
  }
}

function sampleFile(label: string, number: number): string {
  return `${label}/${label}${String(number + 1).padStart(4, "0")}.png`;
}

/** Image `number` of a class. */
export function drawSample(label: string, number: number, size: number, seed: number): Pixels {
  const random = new RandomStream(seed, `sample/${label}/${number}`);
  const canvas = createCanvas(size);
  const ground = drawColor(random);
  drawGround(canvas, random, ground);
  const behind = 1 + random.integer(3);
  for (let i = 0; i < behind; i++) drawClutter(canvas, random, size * between(random, 0.05, 0.13));
  drawObject(canvas, random, label, ground);
  if (random.uniform() < 0.25) drawClutter(canvas, random, size * between(random, 0.06, 0.12));
  light(canvas, random);
  const sharp = canvas.toPixels();
  const sigma = between(random, 0, 1) ** 2 * (size / 64);
  return addNoise(sigma > 0.2 ? gaussianBlur(sharp, sigma) : sharp, random);
}

const between = (random: RandomStream, low: number, high: number): number =>
  low + (high - low) * random.uniform();

function drawColor(random: RandomStream): Paint {
  return fromHsv(random.uniform(), between(random, 0.05, 0.9), between(random, 0.15, 0.98));
}

function fromHsv(hue: number, saturation: number, value: number): Paint {
  const channel = (n: number): number => {
    const k = (n + hue * 6) % 6;
    return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
}

const luma = ([red, green, blue]: Paint): number => 0.299 * red + 0.587 * green + 0.114 * blue;
const mix = (a: Paint, b: Paint, share: number): Paint => [
  a[0] + (b[0] - a[0]) * share,
  a[1] + (b[1] - a[1]) * share,
  a[2] + (b[2] - a[2]) * share,
];

function drawGround(canvas: Canvas, random: RandomStream, ground: Paint): void {
  const other = mix(ground, drawColor(random), between(random, 0.15, 0.7));
  const angle = between(random, 0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / canvas.size, Math.sin(angle) / canvas.size];
  const kind = random.integer(4);
  const period = between(random, 3, 9);
  const waves = Array.from({ length: 4 }, () => ({
    x: (between(random, -3, 3) * 2 * Math.PI) / canvas.size,
    y: (between(random, -3, 3) * 2 * Math.PI) / canvas.size,
    phase: between(random, 0, 2 * Math.PI),
  }));
  canvas.shade((x, y) => {
    const along = x * dx + y * dy;
    if (kind === 0) return ground;
    if (kind === 1) return mix(ground, other, Math.max(0, Math.min(1, along + 0.5)));
    if (kind === 2) return Math.floor(along * period) % 2 === 0 ? ground : other;
    const sum = waves.reduce(
      (total, wave) => total + Math.sin(x * wave.x + y * wave.y + wave.phase),
      0,
    );
    return mix(ground, other, 0.5 + sum / 8);
  });
}

// Discs, triangles and bars of any colour, which are nothing.
function drawClutter(canvas: Canvas, random: RandomStream, radius: number): void {
  const center: Point = [random.uniform() * canvas.size, random.uniform() * canvas.size];
  const angle = between(random, 0, 2 * Math.PI);
  const at = (turn: number, scale = 1): Point => [
    center[0] + radius * scale * Math.cos(angle + turn),
    center[1] + radius * scale * Math.sin(angle + turn),
  ];
  const outlines = [
    () => arc(center, radius, radius * between(random, 0.4, 1)),
    () => [at(0), at(2.1), at(4.2)],
    () => stroke(at(0, 1.8), at(Math.PI, 1.8), radius * between(random, 0.3, 0.7)),
  ];
  const outline = outlines[random.integer(outlines.length)]!();
  canvas.fill(outline, drawColor(random), between(random, 0.6, 1));
}

function drawObject(canvas: Canvas, random: RandomStream, label: string, ground: Paint): void {
  const { size } = canvas;
  const radius = size * between(random, 0.34, 0.47);
  const play = Math.max(0, size / 2 - radius * 0.85);
  const x = size / 2 + between(random, -play, play);
  const y = size / 2 + between(random, -play, play);
  // A leaf lies any way, the others stand more or less upright.
  const turn = label === "leaf" ? between(random, -Math.PI, Math.PI) : between(random, -0.35, 0.35);
  const mirrored = random.uniform() < 0.5 ? -1 : 1;
  const squeeze = between(random, 0.8, 1.15);
  const place = ([px, py]: Point): Point => {
    const [sx, sy] = [px * mirrored * squeeze * radius, py * radius];
    return [
      x + sx * Math.cos(turn) - sy * Math.sin(turn),
      y + sx * Math.sin(turn) + sy * Math.cos(turn),
    ];
  };
  for (const part of sampleObjects[label]!(random, drawColors(random, ground))) {
    canvas.fill(part.outline.map(place), part.paint);
  }
}

// Nothing is painted in the ground's own brightness: a person could not see it either.
function drawColors(random: RandomStream, ground: Paint): Colors {
  const drawAgainst = (...others: readonly Paint[]): Paint => {
    let color = drawColor(random);
    for (let attempt = 0; attempt < 20; attempt++) {
      if (others.every((other) => Math.abs(luma(color) - luma(other)) > 0.22)) break;
      color = drawColor(random);
    }
    return color;
  };
  const main = drawAgainst(ground);
  return { main, second: drawAgainst(main), detail: drawAgainst(main, ground) };
}

function light(canvas: Canvas, random: RandomStream): void {
  const angle = between(random, 0, 2 * Math.PI);
  const slope = between(random, 0, 0.6);
  const level = between(random, 0.75, 1.15);
  const tint: Paint = [
    between(random, 0.9, 1.1),
    between(random, 0.92, 1.08),
    between(random, 0.9, 1.1),
  ];
  const { size } = canvas;
  canvas.shade((x, y, paint) => {
    const along = ((x - size / 2) * Math.cos(angle) + (y - size / 2) * Math.sin(angle)) / size;
    const brightness = level * (1 + slope * along);
    return [
      paint[0] * brightness * tint[0],
      paint[1] * brightness * tint[1],
      paint[2] * brightness * tint[2],
    ];
  });
}

function addNoise(image: Pixels, random: RandomStream): Pixels {
  const deviation = between(random, 1, 8);
  const data = new Uint8ClampedArray(image.data.length);
  for (let i = 0; i < data.length; i++) data[i] = image.data[i]! + deviation * random.normal();
  return { ...image, data: new Uint8Array(data.buffer) };
}
