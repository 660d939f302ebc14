import { OptionError } from "../../core/errors.ts";
import { createPixels, type Pixels, toColor } from "../decode/pixels.ts";

export interface ContactSheetOptions {
  /** Images per row. Default: about as many as there are rows. */
  readonly columns?: number;
  /** Pixels between images and around them. Default 2. */
  readonly gap?: number;
  /** Grey level of the gaps. Default 255. */
  readonly background?: number;
}

/** Lays images out in rows on one; each gets the place of the largest and stands in its middle. */
export function contactSheet(images: readonly Pixels[], options: ContactSheetOptions = {}): Pixels {
  if (images.length === 0) throw new OptionError("contactSheet: no images; at least 1 is needed.");
  const { columns = Math.ceil(Math.sqrt(images.length)), gap = 2, background = 255 } = options;
  const width = Math.max(...images.map((image) => image.width));
  const height = Math.max(...images.map((image) => image.height));
  const rows = Math.ceil(images.length / columns);
  const sheet = createPixels(columns * (width + gap) + gap, rows * (height + gap) + gap, 3);
  sheet.data.fill(background);
  images.forEach((image, index) => {
    const { data } = toColor(image);
    const cellLeft = gap + (index % columns) * (width + gap);
    const cellTop = gap + Math.floor(index / columns) * (height + gap);
    const left = cellLeft + ((width - image.width) >> 1);
    const top = cellTop + ((height - image.height) >> 1);
    const rowLength = image.width * 3;
    for (let y = 0; y < image.height; y++) {
      const to = ((top + y) * sheet.width + left) * 3;
      sheet.data.set(data.subarray(y * rowLength, (y + 1) * rowLength), to);
    }
  });
  return sheet;
}
