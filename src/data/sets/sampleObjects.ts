import type { RandomStream } from "../../core/random.ts";
import { arc, type Paint, type Point, stroke } from "./canvas.ts";

/** One painted outline of an object, in its own coordinates: −1 … 1, y down. */
export interface Part {
  readonly outline: readonly Point[];
  readonly paint: Paint;
}

/** The colours an object is painted with, drawn anew for each image. */
export interface Colors {
  readonly main: Paint;
  readonly second: Paint;
  readonly detail: Paint;
}

type Draw = (random: RandomStream, colors: Colors) => Part[];

const between = (random: RandomStream, low: number, high: number): number =>
  low + (high - low) * random.uniform();

const fish: Draw = (random, { main, second, detail }) => {
  const height = between(random, 0.32, 0.55);
  const tail = between(random, 0.3, 0.55);
  const parts: Part[] = [
    {
      outline: [
        [0.45, 0],
        [0.95, -tail],
        [0.82, 0],
        [0.95, tail],
      ],
      paint: second,
    },
    { outline: arc([-0.1, 0], 0.75, height), paint: main },
    {
      outline: [
        [-0.1, -height * 0.9],
        [0.25, -height - 0.25],
        [0.35, -height * 0.7],
      ],
      paint: second,
    },
    { outline: arc([-0.5, -height * 0.25], 0.07, 0.07), paint: detail },
  ];
  if (random.uniform() < 0.5) {
    for (let x = -0.2; x < 0.4; x += 0.25) {
      const y = height * 0.8 * Math.sqrt(Math.max(0, 1 - ((x + 0.1) / 0.75) ** 2));
      parts.push({ outline: stroke([x, -y], [x, y], 0.07), paint: second });
    }
  }
  return parts;
};

const house: Draw = (random, { main, second, detail }) => {
  const width = between(random, 0.5, 0.8);
  const eaves = between(random, -0.25, 0.05);
  const top = between(random, -0.95, -0.65);
  const door = between(random, -0.4, 0.4) * width;
  const window = door > 0 ? -0.45 * width : 0.45 * width;
  const parts: Part[] = [];
  if (random.uniform() < 0.6) {
    const x = between(random, 0.3, 0.5) * width;
    parts.push({ outline: stroke([x, top], [x, eaves], 0.16), paint: detail });
  }
  parts.push(
    {
      outline: [
        [-width, eaves],
        [width, eaves],
        [width, 0.85],
        [-width, 0.85],
      ],
      paint: main,
    },
    {
      outline: [
        [-width - 0.15, eaves],
        [0, top],
        [width + 0.15, eaves],
      ],
      paint: second,
    },
    { outline: stroke([door, 0.3], [door, 0.85], 0.26), paint: detail },
    { outline: stroke([window, 0.15], [window, 0.42], 0.28), paint: detail },
  );
  return parts;
};

const leaf: Draw = (random, { main, second }) => {
  const width = between(random, 0.3, 0.55);
  const bend = between(random, -0.15, 0.15);
  const side = (sign: number): Point[] =>
    Array.from({ length: 17 }, (_, i): Point => {
      const t = i / 16;
      const bulge = Math.sin(Math.PI * t ** 0.85) * width;
      return [sign * bulge + bend * Math.sin(Math.PI * t), -0.9 + 1.5 * t];
    });
  const parts: Part[] = [
    { outline: stroke([0, 0.5], [bend * 2, 0.95], 0.08), paint: second },
    { outline: [...side(1), ...side(-1).reverse()], paint: main },
    { outline: stroke([bend * 0.5, -0.75], [0, 0.6], 0.06), paint: second },
  ];
  const veins = 2 + random.integer(3);
  for (let i = 1; i <= veins; i++) {
    const y = -0.6 + (1.1 * i) / (veins + 1);
    for (const sign of [-1, 1]) {
      parts.push({
        outline: stroke([bend * 0.5, y], [sign * width * 0.7, y - 0.22], 0.045),
        paint: second,
      });
    }
  }
  return parts;
};

const mug: Draw = (random, { main, second, detail }) => {
  const width = between(random, 0.42, 0.6);
  const taper = between(random, -0.1, 0.12);
  const radius = between(random, 0.26, 0.38);
  const ring = (scale: number): Point[] =>
    arc([width * 0.95, 0.05], radius * scale, radius * scale * 1.15);
  return [
    // Outer and inner circle in one outline: the even-odd rule leaves the hole open.
    { outline: [...ring(1), ...ring(0.6).reverse()], paint: main },
    {
      outline: [
        [-width, -0.65],
        [width, -0.65],
        [width - taper, 0.75],
        [-width + taper, 0.75],
      ],
      paint: main,
    },
    { outline: arc([0, -0.65], width, 0.17), paint: second },
    { outline: arc([0, -0.63], width * 0.84, 0.11), paint: detail },
    ...(random.uniform() < 0.5
      ? [{ outline: stroke([-width, 0.1], [width, 0.1], 0.2), paint: second }]
      : []),
  ];
};

const mushroom: Draw = (random, { main, second, detail }) => {
  const cap = between(random, 0.65, 0.9);
  const height = between(random, 0.55, 0.85);
  const stem = between(random, 0.16, 0.32);
  const parts: Part[] = [
    {
      outline: [
        [-stem * 0.8, 0],
        [stem * 0.8, 0],
        [stem * 1.2, 0.9],
        [-stem * 1.2, 0.9],
      ],
      paint: second,
    },
    {
      outline: [
        ...arc([0, 0.05], cap, height, Math.PI, 2 * Math.PI),
        ...arc([0, 0.05], cap, 0.14, 0, Math.PI),
      ],
      paint: main,
    },
  ];
  const dots = 2 + random.integer(4);
  for (let i = 0; i < dots; i++) {
    const angle = Math.PI * (1 + (i + 0.6) / (dots + 0.2));
    const out = between(random, 0.35, 0.7);
    const size = between(random, 0.06, 0.12);
    const center: Point = [cap * out * Math.cos(angle), height * out * Math.sin(angle)];
    parts.push({ outline: arc(center, size, size), paint: detail });
  }
  return parts;
};

const umbrella: Draw = (random, { main, second, detail }) => {
  const width = between(random, 0.75, 0.95);
  const height = between(random, 0.6, 0.85);
  const segments = 3 + random.integer(3);
  const scallops = Array.from({ length: segments }, (_, i): Point[] => {
    const step = (2 * width) / segments;
    return arc([width - step * (i + 0.5), 0], step / 2, 0.16, 0, -Math.PI);
  }).flat();
  const parts: Part[] = [
    { outline: stroke([0, -0.1], [0, 0.72], 0.08), paint: detail },
    {
      outline: [
        ...arc([0.13, 0.7], 0.17, 0.2, Math.PI, 0),
        ...arc([0.13, 0.7], 0.09, 0.12, 0, Math.PI),
      ],
      paint: detail,
    },
    { outline: [...arc([0, 0], width, height, Math.PI, 2 * Math.PI), ...scallops], paint: main },
  ];
  for (let i = 1; i < segments; i += 2) {
    const left = -width + (2 * width * i) / segments;
    const right = -width + (2 * width * (i + 1)) / segments;
    parts.push({
      outline: [
        [0, -height],
        [left, -0.08],
        [right, -0.08],
      ],
      paint: second,
    });
  }
  return parts;
};

/** The objects of the sample, by class name. */
export const sampleObjects: Readonly<Record<string, Draw>> = {
  fish,
  house,
  leaf,
  mug,
  mushroom,
  umbrella,
};
