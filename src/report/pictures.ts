import { escapeHtml } from "./html.ts";

/** A validation image as the report shows it. */
export interface ReportPicture {
  readonly file: string;
  /** Indices of classes. */
  readonly label: number;
  readonly predicted: number;
  /** Probability of the class predicted. */
  readonly confidence: number;
  /** A small version as a `data:` address; left out where only the name is shown. */
  readonly picture?: string;
}

/** Images beside the figures. */
export interface ReportPictures {
  readonly validation: readonly ReportPicture[];
  /** Training images as they are, with their class. */
  readonly samples: readonly { readonly label: string; readonly picture: string }[];
  /** A training image and what augmentation makes of it. */
  readonly augmented: readonly { readonly picture: string; readonly versions: readonly string[] }[];
}

/** An image with its caption; `caption` is HTML. */
export function photo(picture: string | undefined, caption: string, attributes = ""): string {
  const image = picture === undefined ? "" : `<img src="${escapeHtml(picture)}" alt="">`;
  return `<div class="photo"${attributes}>${image}${caption}</div>`;
}
