import { existsSync, readFileSync } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { nodeCodecs } from "./codecs.node.ts";
import { decodeImage } from "./decodeImage.ts";
import { encodePng } from "./encodePng.ts";
import { createPixels, toColor } from "./pixels.ts";

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly tolerance: number;
    readonly width: number;
    readonly height: number;
    readonly file: string;
    readonly pixels: string;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../../../test/data/golden/formats.json", import.meta.url), "utf8"),
) as Golden;
const codecs = nodeCodecs();
const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const fileOf = (name: string): Uint8Array =>
  bytesOf(golden.cases.find((entry) => entry.name === name)!.file);

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe("decodeImage", () => {
  // Only four-component JPEG goes through a decoder other than libjpeg; see decisions/0100.
  it.each(golden.cases)("gives Pillow's pixels: $name", async (entry) => {
    const image = await decodeImage(bytesOf(entry.file), codecs);
    expect([image.width, image.height]).toEqual([entry.width, entry.height]);
    expect(largestDifference(image.data, bytesOf(entry.pixels))).toBeLessThanOrEqual(
      entry.tolerance,
    );
    expect(image.warnings).toEqual([]);
  });

  it("lays transparent images over the background it is given", async () => {
    const { data } = await decodeImage(fileOf("png, rgba"), codecs, { background: [10, 20, 30] });
    const at = (12 * 21 + 1) * 3;
    expect([...data.subarray(at, at + 3)]).toEqual([10, 20, 30]);
  });

  it.each([
    ["jpeg, 4:2:0", "without its end marker"],
    ["jpeg, CMYK", "cut off or damaged"],
    ["png, rgb", "of 13 rows are there"],
    ["webp, lossy", "cut off or damaged"],
    ["gif", "of 273 pixels are there"],
    ["bmp, 24 bit", "of 13 rows are there"],
    ["bmp, 8 bit", "of 13 rows are there"],
  ])("refuses a file that is cut off: %s", async (name, message) => {
    const whole = fileOf(name);
    const cut = whole.subarray(0, whole.length - 40);
    await expect(decodeImage(cut, codecs, { where: "a.img" })).rejects.toThrow(message);
    await expect(decodeImage(cut, codecs, { where: "a.img" })).rejects.toThrow("a.img: ");
  });

  it.each(["jpeg, 4:2:0", "png, rgb", "gif", "bmp, 24 bit"])(
    "shows what is there of a file that is cut off, when asked to: %s",
    async (name) => {
      const whole = fileOf(name);
      const cut = whole.subarray(0, whole.length - 40);
      const image = await decodeImage(cut, codecs, { allowTruncated: true });
      expect([image.width, image.height]).toEqual([21, 13]);
      expect(image.warnings.join()).toContain("cut off");
    },
  );

  it("checks the size against the limit before it decodes", async () => {
    const bomb = fileOf("png, rgb").slice();
    const view = new DataView(bomb.buffer);
    view.setUint32(16, 65_535);
    view.setUint32(20, 65_535);
    // The checksum of the header would be found first; a bomb has a right one.
    const { checksum } = await import("./png.ts");
    view.setUint32(29, checksum(bomb.subarray(12, 29)));
    await expect(decodeImage(bomb, codecs)).rejects.toThrow(
      "65535x65535 = 4294836225 pixels; at most 64000000 are decoded",
    );
    await expect(decodeImage(fileOf("gif"), codecs, { maxPixels: 100 })).rejects.toThrow(
      "21x13 = 273 pixels; at most 100",
    );
    await expect(decodeImage(fileOf("gif"), codecs, { maxBytes: 10 })).rejects.toThrow(
      "files of at most 10",
    );
  });

  it("refuses a JPEG that would keep the decoder busy with scans", async () => {
    const file = fileOf("jpeg, 4:2:2, progressive");
    const frame = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xc2);
    const scan = file.findIndex((byte, i) => byte === 0xff && file[i + 1] === 0xda);
    const scans = Array.from({ length: 60 }, () => [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]).flat();
    const bomb = Uint8Array.from([...file.subarray(0, scan), ...scans, ...file.subarray(scan)]);
    new DataView(bomb.buffer).setUint16(frame + 5, 7000);
    new DataView(bomb.buffer).setUint16(frame + 7, 7000);
    await expect(decodeImage(bomb, codecs)).rejects.toThrow(/\d\d scans over 7000x7000 pixels/);
  });

  it.each([
    ["TIFF", [0x49, 0x49, 0x2a, 0]],
    ["Photoshop (PSD)", [0x38, 0x42, 0x50, 0x53]],
    ["JPEG 2000", [0, 0, 0, 12, 0x6a, 0x50, 0x20, 0x20]],
    ["HEIC", [0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70, 0x68, 0x65, 0x69, 0x63]],
    ["PDF", [0x25, 0x50, 0x44, 0x46]],
  ])("names a format that it does not decode: %s", async (name, start) => {
    const bytes = new Uint8Array(64);
    bytes.set(start);
    await expect(decodeImage(bytes, codecs, { where: "x" })).rejects.toThrow(`x: this is ${name};`);
  });

  it("says what an unknown file begins with, and that an empty one is empty", async () => {
    await expect(decodeImage(new Uint8Array([1, 2, 255]), codecs)).rejects.toThrow(
      "begins with 01 02 ff",
    );
    await expect(decodeImage(new Uint8Array(0), codecs)).rejects.toThrow("empty (0 bytes)");
  });

  it("decodes the next image after one that made the codec give up", async () => {
    const broken = fileOf("jpeg, 4:4:4").slice();
    broken.fill(0xff, 30, 200);
    await expect(decodeImage(broken, codecs)).rejects.toThrow();
    await expect(decodeImage(fileOf("jpeg, 4:4:4"), codecs)).resolves.toMatchObject({ width: 21 });
  });

  it("refuses a PNG whose chunk was altered, by its checksum", async () => {
    const altered = fileOf("png, rgb").slice();
    altered[60]! ^= 1;
    await expect(decodeImage(altered, codecs)).rejects.toThrow('checksum of PNG chunk "IDAT"');
  });

  it("reads back what encodePng writes", async () => {
    for (const channels of [1, 3] as const) {
      const image = createPixels(19, 7, channels);
      for (let i = 0; i < image.data.length; i++) image.data[i] = (i * i * 31) >> 3;
      const back = await decodeImage(encodePng(image), codecs);
      expect(largestDifference(back.data, toColor(image).data)).toBe(0);
    }
  });
});

describe("BMP kinds that Pillow does not write", () => {
  /** A BMP with a 40-byte header; `body` follows the palette. */
  function bmp(options: {
    readonly bits: number;
    readonly compression?: number;
    readonly height?: number;
    readonly masks?: readonly number[];
    readonly palette?: readonly number[];
    readonly body: readonly number[];
  }): Uint8Array {
    const { bits, compression = 0, height = 2, masks = [], palette = [], body } = options;
    const offset = 54 + masks.length * 4 + palette.length;
    const bytes = new Uint8Array(offset + body.length);
    const view = new DataView(bytes.buffer);
    bytes.set([0x42, 0x4d]);
    view.setUint32(10, offset, true);
    view.setUint32(14, 40, true);
    view.setInt32(18, 3, true);
    view.setInt32(22, height, true);
    view.setUint16(28, bits, true);
    view.setUint32(30, compression, true);
    view.setUint32(46, palette.length / 4, true);
    for (const [i, mask] of masks.entries()) view.setUint32(54 + 4 * i, mask, true);
    bytes.set(palette, 54 + masks.length * 4);
    bytes.set(body, offset);
    return bytes;
  }
  const palette = [0, 0, 0, 0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0];
  const [black, red, green, blue] = [
    [0, 0, 0],
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ];
  const colors = async (bytes: Uint8Array): Promise<number[][]> => {
    const { data } = await decodeImage(bytes, codecs);
    return Array.from({ length: 6 }, (_, i) => [...data.subarray(3 * i, 3 * i + 3)]);
  };

  it("decodes 4-bit rows from the top", async () => {
    const bytes = bmp({ bits: 4, height: -2, palette, body: [0x12, 0x30, 0, 0, 0x01, 0x20, 0, 0] });
    expect(await colors(bytes)).toEqual([red, green, blue, black, red, green]);
  });

  it("decodes 8-bit runs, absolute runs and jumps", async () => {
    const bytes = bmp({
      bits: 8,
      compression: 1,
      palette,
      // Lower row: two red, then (jump right by one past) nothing; upper row: absolute 1 2 3.
      body: [2, 1, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1],
    });
    expect(await colors(bytes)).toEqual([red, green, blue, red, red, black]);
  });

  it("decodes 4-bit runs", async () => {
    const bytes = bmp({
      bits: 4,
      compression: 2,
      palette,
      body: [3, 0x12, 0, 0, 0, 3, 0x32, 0x10, 0, 1],
    });
    expect(await colors(bytes)).toEqual([blue, green, red, red, green, red]);
  });

  it("decodes 16-bit pixels with masks of 5, 6 and 5 bits", async () => {
    const bytes = bmp({
      bits: 16,
      compression: 3,
      masks: [0xf800, 0x7e0, 0x1f],
      body: [0, 0xf8, 0xe0, 0x07, 0x1f, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0xf8, 0, 0],
    });
    expect(await colors(bytes)).toEqual([[255, 255, 255], black, red, red, green, blue]);
  });
});

const shared = new URL("../../../../shared/data/hostile-images/", import.meta.url);

describe("the hostile images", () => {
  beforeEach(({ skip }) => {
    if (!existsSync(shared)) skip("../shared is not beside the checkout");
  });
  interface Entry {
    readonly file: string;
    readonly pillow: {
      readonly width?: number;
      readonly height?: number;
      readonly decode: string;
      readonly exifOrientation?: number;
    };
  }
  const { files } = (
    existsSync(shared)
      ? JSON.parse(readFileSync(new URL("manifest.json", shared), "utf8"))
      : { files: [] }
  ) as { files: Entry[] };
  const foreign = /\.(jp2|ico|tga|tif|psd)$/;
  // Pillow refuses these for an ancillary text or profile chunk that is not read here at all.
  const betterHere = ["pillow/png_decompression_dos.png", "pillow/unknown_compression_method.png"];

  it("decodes what Pillow decodes and refuses the rest, each within five seconds", async () => {
    expect(files.length).toBe(192);
    for (const { file, pillow } of files) {
      const bytes = new Uint8Array(readFileSync(new URL(file, shared)));
      const start = performance.now();
      const result = await decodeImage(bytes, codecs, { where: file }).catch(
        (error: Error) => error,
      );
      expect(performance.now() - start, file).toBeLessThan(5000);
      if (result instanceof Error) {
        expect(
          ["FormatError", "DataError", "UnsupportedError"],
          `${file}: ${result.stack}`,
        ).toContain(result.name);
        expect(result.message.startsWith(`${file}: `), result.message).toBe(true);
        expect(pillow.decode !== "ok" || foreign.test(file), `${file}: ${result.message}`).toBe(
          true,
        );
        if (foreign.test(file)) expect(result.name).toBe("UnsupportedError");
      } else {
        expect(pillow.decode === "ok" || betterHere.includes(file), file).toBe(true);
        const turned = (pillow.exifOrientation ?? 1) >= 5;
        const size = turned ? [pillow.height, pillow.width] : [pillow.width, pillow.height];
        if (pillow.width !== undefined) expect([result.width, result.height], file).toEqual(size);
        expect(result.facts.orientation).toBe(pillow.exifOrientation ?? 1);
      }
    }
  }, 60_000);

  it("turns all eight orientations upright", async () => {
    const decode = (n: number) =>
      decodeImage(
        new Uint8Array(readFileSync(new URL(`exif-orientation/Landscape_${n}.jpg`, shared))),
        codecs,
      );
    const upright = await decode(1);
    for (let n = 2; n <= 8; n++) {
      const image = await decode(n);
      expect([image.width, image.height]).toEqual([1800, 1200]);
      let sum = 0;
      for (let i = 0; i < image.data.length; i += 7)
        sum += Math.abs(image.data[i]! - upright.data[i]!);
      // The files were compressed one by one: their mean difference is under six levels, while two
      // different orientations of the picture differ by sixty and more.
      expect(sum / (image.data.length / 7)).toBeLessThan(12);
    }
  }, 60_000);
});
