import exifr from "exifr";

/** The facts about a photo that its EXIF data gives and that matter here. */
export interface PhotoFacts {
  /** 1 to 8; 1 where the file says nothing. */
  readonly orientation: number;
  /** When it was taken, in milliseconds; the camera's local time counted as if it were UTC. */
  readonly timeMs?: number;
  /** Maker and model, which tell the photos of one camera from another's. */
  readonly camera?: string;
}

// Tags by number: exifr refuses names that its own dictionary lacks.
const tag = {
  orientation: 0x0112,
  maker: 0x010f,
  model: 0x0110,
  serialNumber: 0xa431,
  timeTaken: 0x9003,
  timeDigitized: 0x9004,
  timeFraction: 0x9291,
} as const;

/**
 * Reads EXIF data given as its TIFF structure. Data that cannot be read counts as absent, as in
 * every viewer: the pixels are still good.
 */
export async function readExif(tiff: Uint8Array | undefined): Promise<PhotoFacts> {
  if (tiff === undefined || tiff.length < 8) return { orientation: 1 };
  let tags: Record<number, unknown> | undefined;
  try {
    tags = await exifr.parse(tiff, {
      pick: Object.values(tag),
      translateKeys: false,
      translateValues: false,
      reviveValues: false,
      mergeOutput: true,
    });
  } catch {
    return { orientation: 1 };
  }
  if (tags === undefined) return { orientation: 1 };
  const orientation = tags[tag.orientation];
  const timeMs = parseTime(tags[tag.timeTaken] ?? tags[tag.timeDigitized], tags[tag.timeFraction]);
  const camera = [tags[tag.maker], tags[tag.model], tags[tag.serialNumber]]
    .filter((part) => typeof part === "string" || typeof part === "number")
    .map((part) => String(part).replaceAll("\0", "").trim())
    .filter((part) => part !== "")
    .join(" ");
  const isOrientation =
    Number.isInteger(orientation) && Number(orientation) >= 1 && Number(orientation) <= 8;
  return {
    orientation: isOrientation ? Number(orientation) : 1,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(camera === "" ? {} : { camera }),
  };
}

// "2019:07:14 16:03:05", with hundredths or thousandths in a tag of their own.
function parseTime(value: unknown, fraction: unknown): number | undefined {
  if (typeof value !== "string") return undefined;
  const match = /^(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d):(\d\d):(\d\d)/.exec(value);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1).map(Number);
  const timeMs = Date.UTC(year!, month! - 1, day!, hour!, minute!, second!);
  const digits = /^\d{1,6}/.exec(String(fraction ?? "").trim())?.[0];
  return timeMs + (digits === undefined ? 0 : Math.floor(Number(`0.${digits}`) * 1000));
}
