import { DataError, FormatError, UnsupportedError } from "../../core/errors.ts";
import { decodeBmp, readBmpHeader } from "./bmp.ts";
import type { Codecs } from "./codecs.ts";
import { createDamage, type Damage } from "./damage.ts";
import { type PhotoFacts, readExif } from "./exif.ts";
import { type ImageFormat, sniffFormat } from "./format.ts";
import { decodeGif, readGifFrame } from "./gif.ts";
import { decodeJpeg, readJpegHeader } from "./jpeg.ts";
import { checkImageSize, type DecodeLimits, defaultMaxBytes } from "./limits.ts";
import { orient } from "./orientation.ts";
import type { Pixels } from "./pixels.ts";
import { decodePng, findPngExif, readPngHeader } from "./png.ts";
import { type Color, flatten, type Rgba } from "./rgba.ts";
import { decodeWebp, readWebp } from "./webp.ts";

export interface DecodeOptions extends DecodeLimits {
  /** Name of the file, for messages. Default `"image"`. */
  readonly where?: string;
  /** What shows through transparent pixels. Default white, 255 255 255. */
  readonly background?: Color;
  /** Whether the missing rest of a cut-off image is filled in instead of refused. Default false, as PIL. */
  readonly allowTruncated?: boolean;
}

/** A decoded image and what its file said about it. */
export interface DecodedImage extends Pixels {
  readonly channels: 3;
  readonly format: ImageFormat;
  /** The EXIF facts; the orientation has been applied already. */
  readonly facts: PhotoFacts;
  /** Damage that was stepped over, in words; empty for a sound file. */
  readonly warnings: readonly string[];
}

/** The default background of transparent images. */
export const white: Color = [255, 255, 255];

/**
 * Decodes JPEG, PNG (APNG: the still image), WebP and GIF (first frame) and BMP to upright 8-bit RGB.
 * The format is told by the content. The same bytes give the same pixels on every host: no decoder of
 * the browser or the operating system takes part, and colour profiles are not applied.
 *
 * @throws UnsupportedError naming the format, when it is another one.
 * @throws DataError when the image is above the limits, which are checked before anything is decoded.
 * @throws FormatError when the file is damaged; {@link DecodeOptions.allowTruncated} softens that.
 */
export async function decodeImage(
  bytes: Uint8Array,
  codecs: Codecs,
  options: DecodeOptions = {},
): Promise<DecodedImage> {
  const where = options.where ?? "image";
  const maxBytes = options.maxBytes ?? defaultMaxBytes;
  if (bytes.length === 0) throw new DataError(`${where}: the file is empty (0 bytes).`);
  if (bytes.length > maxBytes) {
    throw new DataError(
      `${where}: ${bytes.length} bytes; files of at most ${maxBytes} are decoded. Raise maxBytes if it is meant.`,
    );
  }
  const sniffed = sniffFormat(bytes);
  if (sniffed.kind === "foreign") {
    throw new UnsupportedError(
      `${where}: this is ${sniffed.name}; JPEG, PNG, WebP, GIF and BMP are decoded. Convert it to one of them.`,
    );
  }
  if (sniffed.kind === "unknown") {
    const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0"));
    throw new FormatError(
      `${where}: no image format begins with ${start.join(" ")}; JPEG, PNG, WebP, GIF and BMP are decoded.`,
    );
  }
  const damage = createDamage(where, options.allowTruncated ?? false);
  const { rgba, exif } = await decoders[sniffed.format](bytes, codecs, damage, options);
  const facts = await readExif(exif);
  const upright = flatten(orient(rgba, facts.orientation), options.background ?? white);
  return { ...upright, channels: 3, format: sniffed.format, facts, warnings: damage.warnings };
}

interface Decoded {
  readonly rgba: Rgba;
  readonly exif?: Uint8Array | undefined;
}

type Decoder = (
  bytes: Uint8Array,
  codecs: Codecs,
  damage: Damage,
  limits: DecodeLimits,
) => Promise<Decoded>;

// Each reads its header, has the size checked, and only then decodes.
const decoders: Readonly<Record<ImageFormat, Decoder>> = {
  async jpeg(bytes, codecs, damage, limits) {
    const header = readJpegHeader(bytes, damage.where);
    checkImageSize(damage.where, header.width, header.height, limits);
    return { rgba: await decodeJpeg(bytes, header, codecs, damage), exif: header.exif };
  },
  async png(bytes, _codecs, damage, limits) {
    const header = readPngHeader(bytes, damage.where);
    checkImageSize(damage.where, header.width, header.height, limits);
    return { rgba: decodePng(bytes, header, damage), exif: findPngExif(bytes) };
  },
  async webp(bytes, codecs, damage, limits) {
    const container = readWebp(bytes, damage.where);
    checkImageSize(damage.where, container.width, container.height, limits);
    checkImageSize(damage.where, container.frameWidth, container.frameHeight, limits);
    return {
      rgba: await decodeWebp(container, codecs, damage.where),
      exif: stripExifPrefix(container.exif),
    };
  },
  async gif(bytes, _codecs, damage, limits) {
    const frame = readGifFrame(bytes, damage.where);
    checkImageSize(damage.where, frame.width, frame.height, limits);
    checkImageSize(damage.where, frame.frameWidth, frame.frameHeight, limits);
    return { rgba: decodeGif(bytes, frame, damage) };
  },
  async bmp(bytes, _codecs, damage, limits) {
    const header = readBmpHeader(bytes, damage.where);
    checkImageSize(damage.where, header.width, header.height, limits);
    return { rgba: decodeBmp(bytes, header, damage) };
  },
};

// Some writers put JPEG's "Exif\0\0" before the TIFF structure in a WebP, too.
function stripExifPrefix(exif: Uint8Array | undefined): Uint8Array | undefined {
  return exif !== undefined && exif[0] === 0x45 && exif[1] === 0x78 ? exif.subarray(6) : exif;
}
