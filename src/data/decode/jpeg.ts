import jpegJs from "jpeg-js";
import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { Codecs } from "./codecs.ts";
import type { Damage } from "./damage.ts";
import type { Rgba } from "./rgba.ts";

/** What the markers of a JPEG say. */
export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  /** 1 grey, 3 colour, 4 CMYK or YCCK. */
  readonly components: number;
  readonly progressive: boolean;
  /** Number of scans; many of them over a large image are a way to keep a decoder busy. */
  readonly scans: number;
  /** Whether the end marker (EOI) is there. */
  readonly complete: boolean;
  /** The TIFF structure inside the EXIF segment. */
  readonly exif: Uint8Array | undefined;
}

// Work is counted in pixels visited: 64 million pixels in 10 scans pass, 1000 scans of them do not.
const maxScanPixels = 2_000_000_000;

/**
 * Walks the markers of a JPEG file, over the entropy-coded data, to its end.
 *
 * @throws FormatError when there is no frame header (SOF) or it contradicts itself.
 * @throws UnsupportedError for 12-bit, lossless, hierarchical and arithmetic-coded JPEG.
 */
export function readJpegHeader(bytes: Uint8Array, where: string): JpegHeader {
  let frame: Omit<JpegHeader, "scans" | "complete" | "exif"> | undefined;
  let exif: Uint8Array | undefined;
  let scans = 0;
  let complete = false;
  let at = 2;
  while (at + 1 < bytes.length) {
    // Anything between segments is skipped, as libjpeg does: cameras and cut-outs leave padding.
    if (bytes[at] !== 0xff) {
      at = bytes.indexOf(0xff, at);
      if (at < 0) break;
      continue;
    }
    const marker = bytes[at + 1]!;
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xd9) {
      complete = true;
      break;
    }
    // Stuffed zero, restart, start of image and TEM stand alone.
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) {
      at += 2;
      continue;
    }
    if (at + 3 >= bytes.length) break;
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (isFrameMarker(marker) && frame === undefined) frame = readFrame(marker, segment, at, where);
    if (marker === 0xe1 && exif === undefined && startsWithExif(segment))
      exif = segment.subarray(6);
    if (marker === 0xda) scans++;
    at += 2 + Math.max(2, length);
  }
  if (frame === undefined) {
    throw new FormatError(`${where}: no JPEG frame header (SOF) in ${bytes.length} bytes.`);
  }
  if (scans * frame.width * frame.height > maxScanPixels) {
    throw new FormatError(
      `${where}: ${scans} scans over ${frame.width}x${frame.height} pixels; at most ${maxScanPixels} pixels are visited.`,
    );
  }
  return { ...frame, scans, complete, exif };
}

function isFrameMarker(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

function readFrame(
  marker: number,
  segment: Uint8Array,
  offset: number,
  where: string,
): Omit<JpegHeader, "scans" | "complete" | "exif"> {
  if (segment.length < 6) {
    throw new FormatError(
      `${where}: byte ${offset}: JPEG frame header of ${segment.length} bytes; expected at least 6.`,
    );
  }
  if (marker > 0xc2) {
    const kind =
      marker >= 0xc9 ? "arithmetic-coded" : marker === 0xc3 ? "lossless" : "hierarchical";
    throw new UnsupportedError(
      `${where}: a ${kind} JPEG (frame marker 0x${marker.toString(16)}); save it as an ordinary JPEG or PNG.`,
    );
  }
  if (segment[0] !== 8) {
    throw new UnsupportedError(
      `${where}: a JPEG with ${segment[0]} bits per sample; 8 are decoded.`,
    );
  }
  return {
    height: (segment[1]! << 8) | segment[2]!,
    width: (segment[3]! << 8) | segment[4]!,
    components: segment[5]!,
    progressive: marker === 0xc2,
  };
}

function startsWithExif(segment: Uint8Array): boolean {
  return [0x45, 0x78, 0x69, 0x66, 0, 0].every((byte, i) => segment[i] === byte);
}

/**
 * Decodes a JPEG to the pixels libjpeg (and so PIL) gives: accurate integer inverse DCT, smooth
 * chroma upsampling. Four components (CMYK, YCCK, as Adobe writes them) go through a second decoder,
 * whose result differs from PIL's by up to three levels where chroma is not subsampled, and become RGB
 * as in PIL: `(255 − ink) · (255 − black) / 255`, without a colour profile.
 *
 * Damage inside the data that libjpeg steps over becomes a warning.
 *
 * @throws FormatError when the decoder gives up.
 */
export async function decodeJpeg(
  bytes: Uint8Array,
  header: JpegHeader,
  codecs: Codecs,
  damage: Damage,
): Promise<Rgba> {
  if (header.components === 4) return decodeFourComponents(bytes, header, damage);
  const { image, messages } = await codecs.jpeg(bytes);
  if (image === undefined) {
    throw new FormatError(
      `${damage.where}: the JPEG data is damaged: ${messages.join("; ") || "libjpeg cannot decode it"}.`,
    );
  }
  // libjpeg prints its first warning only, so the walk over the markers has to tell a missing end.
  if (!header.complete) damage.truncated("the JPEG data ends without its end marker (EOI)");
  damage.warnings.push(...messages);
  return image;
}

function decodeFourComponents(bytes: Uint8Array, header: JpegHeader, damage: Damage): Rgba {
  try {
    return jpegJs.decode(bytes, {
      useTArray: true,
      formatAsRGBA: true,
      tolerantDecoding: false,
      maxResolutionInMP: (header.width * header.height) / 1e6 + 1,
      maxMemoryUsageInMB: 2048,
    });
  } catch (error) {
    throw new FormatError(
      `${damage.where}: the four-component JPEG data is cut off or damaged: ${(error as Error).message}.`,
    );
  }
}
