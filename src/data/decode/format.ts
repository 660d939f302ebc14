/** Formats that are decoded. */
export type ImageFormat = "jpeg" | "png" | "webp" | "gif" | "bmp";

/** What the first bytes of a file say it is. */
export type SniffedFormat =
  | { readonly kind: "image"; readonly format: ImageFormat }
  | { readonly kind: "foreign"; readonly name: string }
  | { readonly kind: "unknown" };

const images: readonly (readonly [ImageFormat, string])[] = [
  ["jpeg", "ff d8 ff"],
  ["png", "89 50 4e 47 0d 0a 1a 0a"],
  ["gif", "47 49 46 38 37 61"],
  ["gif", "47 49 46 38 39 61"],
  ["webp", "52 49 46 46 .. .. .. .. 57 45 42 50"],
  ["bmp", "42 4d"],
];

// Formats people do have in photo folders, so that the message can name them.
const foreign: readonly (readonly [string, string])[] = [
  ["TIFF", "49 49 2a 00"],
  ["TIFF", "4d 4d 00 2a"],
  ["BigTIFF", "49 49 2b 00"],
  ["Photoshop (PSD)", "38 42 50 53"],
  ["JPEG 2000", "00 00 00 0c 6a 50 20 20"],
  ["JPEG 2000 code stream", "ff 4f ff 51"],
  ["JPEG XL", "ff 0a"],
  ["JPEG XL", "00 00 00 0c 4a 58 4c 20"],
  ["AVIF", ".. .. .. .. 66 74 79 70 61 76 69 66"],
  ["AVIF sequence", ".. .. .. .. 66 74 79 70 61 76 69 73"],
  ["HEIC", ".. .. .. .. 66 74 79 70 68 65 69 63"],
  ["HEIC", ".. .. .. .. 66 74 79 70 68 65 69 78"],
  ["HEIF", ".. .. .. .. 66 74 79 70 6d 69 66 31"],
  ["HEIF sequence", ".. .. .. .. 66 74 79 70 6d 73 66 31"],
  ["Windows icon (ICO)", "00 00 01 00"],
  ["Windows cursor (CUR)", "00 00 02 00"],
  ["PDF", "25 50 44 46"],
  ["PostScript", "25 21 50 53"],
  ["SVG", "3c 73 76 67"],
  ["XML or SVG", "3c 3f 78 6d 6c"],
  ["HTML", "3c 21 64 6f 63"],
  ["HTML", "3c 68 74 6d 6c"],
  ["ZIP", "50 4b 03 04"],
  ["gzip", "1f 8b"],
  ["OpenEXR", "76 2f 31 01"],
  ["Radiance HDR", "23 3f"],
  ["PNM", "50 35 0a"],
  ["PNM", "50 36 0a"],
  ["MNG", "8a 4d 4e 47"],
  ["JNG", "8b 4a 4e 47"],
  [
    "ICC profile",
    ".. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. .. 61 63 73 70",
  ],
];

/** Tells the format from the content; a file's name is not asked, it lies too often. */
export function sniffFormat(bytes: Uint8Array): SniffedFormat {
  for (const [format, signature] of images) {
    if (startsWith(bytes, signature)) return { kind: "image", format };
  }
  for (const [name, signature] of foreign) {
    if (startsWith(bytes, signature)) return { kind: "foreign", name };
  }
  if (looksLikeTga(bytes)) return { kind: "foreign", name: "Targa (TGA)" };
  return { kind: "unknown" };
}

function startsWith(bytes: Uint8Array, signature: string): boolean {
  const pattern = signature.split(" ");
  return (
    bytes.length >= pattern.length &&
    pattern.every((hex, i) => hex === ".." || bytes[i] === Number.parseInt(hex, 16))
  );
}

// Targa has no signature at its start; the fields of its header allow few values each.
function looksLikeTga(bytes: Uint8Array): boolean {
  if (bytes.length < 18) return false;
  const [, colorMapType, imageType] = bytes;
  const depth = bytes[16]!;
  return (
    colorMapType! <= 1 &&
    [1, 2, 3, 9, 10, 11].includes(imageType!) &&
    [8, 15, 16, 24, 32].includes(depth) &&
    (bytes[12]! | bytes[13]!) !== 0 &&
    (bytes[14]! | bytes[15]!) !== 0
  );
}

/** Endings of file names that are taken for images, so that a folder's other files are left out. */
export const imageExtensions: readonly string[] = [
  "jpg",
  "jpeg",
  "jpe",
  "jfif",
  "png",
  "apng",
  "webp",
  "gif",
  "bmp",
  "dib",
  // Not decoded, but images to their owner: they are named in the report, not dropped in silence.
  "tif",
  "tiff",
  "heic",
  "heif",
  "avif",
  "jp2",
  "j2k",
  "jxl",
  "psd",
  "ico",
  "tga",
];
