/** An image in memory: 8-bit samples, row by row, channels together (H×W×C). */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  /** 1 is grey, 3 is red, green, blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** An empty (black) image. */
export function createPixels(width: number, height: number, channels: 1 | 3): Pixels {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

/**
 * Luma of each pixel, `L = 0.299 R + 0.587 G + 0.114 B` in 16-bit fixed point, exactly as PIL's
 * `convert("L")`. Grey images are returned as they are.
 */
export function toGrey(image: Pixels): Pixels {
  if (image.channels === 1) return image;
  const { width, height, data } = image;
  const grey = createPixels(width, height, 1);
  for (let i = 0, j = 0; i < grey.data.length; i++, j += 3) {
    grey.data[i] = (data[j]! * 19595 + data[j + 1]! * 38470 + data[j + 2]! * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/** Three equal channels from grey; colour images are returned as they are. */
export function toColor(image: Pixels): Pixels {
  if (image.channels === 3) return image;
  const { width, height, data } = image;
  const color = createPixels(width, height, 3);
  for (let i = 0, j = 0; i < data.length; i++, j += 3) {
    color.data[j] = color.data[j + 1] = color.data[j + 2] = data[i]!;
  }
  return color;
}

/** The image with the wanted number of channels. */
export function withChannels(image: Pixels, channels: 1 | 3): Pixels {
  return channels === 1 ? toGrey(image) : toColor(image);
}
