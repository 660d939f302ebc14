import { createPixels, type Pixels } from "../decode/pixels.ts";

export type Point = readonly [x: number, y: number];
/** Red, green, blue from 0 to 1. */
export type Paint = readonly [number, number, number];

/** A small drawing surface: colours as real numbers, four samples a pixel, no outside library. */
export interface Canvas {
  readonly size: number;
  /** Lays `paint` over what is inside the outline (even-odd rule). Coordinates are in pixels. */
  fill(outline: readonly Point[], paint: Paint, opacity?: number): void;
  /** Replaces every sample by a function of its place (in pixels) and its colour. */
  shade(change: (x: number, y: number, paint: Paint) => Paint): void;
  /** Averages the samples to 8-bit pixels. */
  toPixels(): Pixels;
}

const samplesPerSide = 2;

export function createCanvas(size: number): Canvas {
  const side = size * samplesPerSide;
  const samples = new Float32Array(side * side * 3);

  function fill(outline: readonly Point[], paint: Paint, opacity = 1): void {
    const ys = outline.map(([, y]) => y * samplesPerSide);
    const first = Math.max(0, Math.ceil(Math.min(...ys) - 0.5));
    const last = Math.min(side - 1, Math.floor(Math.max(...ys) - 0.5));
    for (let row = first; row <= last; row++) {
      const crossings = crossingsAt(outline, (row + 0.5) / samplesPerSide);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const left = Math.max(0, Math.ceil(crossings[i]! * samplesPerSide - 0.5));
        const right = Math.min(side, Math.ceil(crossings[i + 1]! * samplesPerSide - 0.5));
        for (let column = left; column < right; column++) {
          const at = (row * side + column) * 3;
          for (let c = 0; c < 3; c++) samples[at + c]! += (paint[c]! - samples[at + c]!) * opacity;
        }
      }
    }
  }

  return {
    size,
    fill,
    shade(change) {
      for (let row = 0; row < side; row++) {
        for (let column = 0; column < side; column++) {
          const at = (row * side + column) * 3;
          const before: Paint = [samples[at]!, samples[at + 1]!, samples[at + 2]!];
          const x = (column + 0.5) / samplesPerSide;
          const y = (row + 0.5) / samplesPerSide;
          samples.set(change(x, y, before), at);
        }
      }
    },
    toPixels() {
      const image = createPixels(size, size, 3);
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          for (let c = 0; c < 3; c++) {
            let sum = 0;
            for (let dy = 0; dy < samplesPerSide; dy++) {
              const row = (y * samplesPerSide + dy) * side + x * samplesPerSide;
              for (let dx = 0; dx < samplesPerSide; dx++) sum += samples[(row + dx) * 3 + c]!;
            }
            const level = Math.round((255 * sum) / samplesPerSide ** 2);
            image.data[(y * size + x) * 3 + c] = Math.max(0, Math.min(255, level));
          }
        }
      }
      return image;
    },
  };
}

// Where the outline crosses a horizontal line, from left to right.
function crossingsAt(outline: readonly Point[], y: number): number[] {
  const crossings: number[] = [];
  outline.forEach(([x0, y0], i) => {
    const [x1, y1] = outline[(i + 1) % outline.length]!;
    if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
  });
  return crossings.sort((a, b) => a - b);
}

/** Points of an ellipse's arc, from angle to angle in radians, clockwise on the screen. */
export function arc(
  [x, y]: Point,
  radiusX: number,
  radiusY: number,
  from = 0,
  to: number = 2 * Math.PI,
): Point[] {
  const steps = Math.max(8, Math.ceil((Math.abs(to - from) / (2 * Math.PI)) * 48));
  return Array.from({ length: steps + 1 }, (_, i): Point => {
    const angle = from + ((to - from) * i) / steps;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)];
  });
}

/** The outline of a line with a width. */
export function stroke([x0, y0]: Point, [x1, y1]: Point, width: number): Point[] {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1;
  const dx = ((y1 - y0) / length) * (width / 2);
  const dy = ((x0 - x1) / length) * (width / 2);
  return [
    [x0 + dx, y0 + dy],
    [x1 + dx, y1 + dy],
    [x1 - dx, y1 - dy],
    [x0 - dx, y0 - dy],
  ];
}
