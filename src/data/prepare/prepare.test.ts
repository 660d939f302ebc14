import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { nodeCodecs } from "../decode/codecs.node.ts";
import { encodePng } from "../decode/encodePng.ts";
import { createPixels, type Pixels } from "../decode/pixels.ts";
import { resize } from "../decode/resize.ts";
import { createDataSet, type DataSet } from "../manifest.ts";
import { openData } from "../openData.node.ts";
import { drawSample } from "../sets/sample.ts";
import { imageCache, pruneCache } from "./cache.node.ts";
import { decodeRecord, encodeRecord } from "./cacheRecord.ts";
import { differenceHash, measure, reduce } from "./facts.ts";
import { checkGeometry, toInput, toStored } from "./geometry.ts";
import { prepareImages } from "./prepareImages.ts";
import { inlinePreparer } from "./preparer.ts";
import { threadedPreparer } from "./threads.node.ts";

const geometry = { width: 16, height: 16, channels: 3 } as const;
const ramp = (width: number, height: number): Pixels => {
  const image = createPixels(width, height, 3);
  for (let i = 0; i < image.data.length; i++) image.data[i] = (i * 7) & 255;
  return image;
};

describe("geometry", () => {
  const stored = (width: number, height: number, options: object): number[] => {
    const image = toStored(ramp(width, height), { ...geometry, ...options });
    return [image.width, image.height, image.channels];
  };

  it("keeps a margin for crops and cuts long sides to twice the short one", () => {
    expect(stored(60, 40, {})).toEqual([24, 16, 3]);
    expect(stored(40, 60, {})).toEqual([16, 24, 3]);
    expect(stored(400, 40, {})).toEqual([32, 16, 3]);
    expect(stored(60, 40, { cropRatio: 0.8 })).toEqual([30, 20, 3]);
    expect(stored(5, 5, {})).toEqual([16, 16, 3]);
    expect(stored(60, 40, { width: 32, channels: 1 })).toEqual([32, 21, 1]);
  });

  it("stretches or pads to the exact size", () => {
    expect(stored(60, 40, { fit: "stretch" })).toEqual([16, 16, 3]);
    const padded = toStored(ramp(60, 30), { ...geometry, fit: "pad", background: [1, 2, 3] });
    expect([padded.width, padded.height]).toEqual([16, 16]);
    expect([...padded.data.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect([...padded.data.subarray(4 * 48, 4 * 48 + 3)]).not.toEqual([1, 2, 3]);
  });

  it("shows the middle", () => {
    const image = toStored(ramp(48, 32), { ...geometry, cropRatio: 0.5 });
    const input = toInput(image, geometry);
    expect([input.width, input.height]).toEqual([16, 16]);
    const left = (image.width - 16) / 2;
    const top = (image.height - 16) / 2;
    const from = (top * image.width + left) * 3;
    expect([...input.data.subarray(0, 9)]).toEqual([...image.data.subarray(from, from + 9)]);
  });

  it("checks its numbers", () => {
    expect(() => checkGeometry({ ...geometry, width: 0 })).toThrow("width 0; expected an integer");
    expect(() => checkGeometry({ ...geometry, cropRatio: 2 })).toThrow("cropRatio 2");
  });
});

describe("facts", () => {
  const photo = drawSample("house", 3, 128, 1);
  const distance = (a: readonly [number, number], b: readonly [number, number]): number =>
    [...((a[0] ^ b[0]) >>> 0).toString(2), ...((a[1] ^ b[1]) >>> 0).toString(2)].filter(
      (bit) => bit === "1",
    ).length;

  it("give a hash that survives size and brightness and differs between pictures", () => {
    const hash = differenceHash(photo);
    const darker = { ...photo, data: photo.data.map((value) => value * 0.8) };
    expect(distance(hash, differenceHash(resize(photo, 70, 70)))).toBeLessThanOrEqual(4);
    expect(distance(hash, differenceHash(darker))).toBeLessThanOrEqual(4);
    expect(distance(hash, differenceHash(drawSample("fish", 5, 128, 1)))).toBeGreaterThan(12);
  });

  it("tell dark, flat and blurred images from others", () => {
    const facts = measure(photo);
    const flat = measure({ ...photo, data: photo.data.map(() => 9) });
    expect([flat.brightness, flat.contrast, flat.sharpness]).toEqual([9, 0, 0]);
    const blurred = measure(resize(resize(photo, 16, 16), 128, 128));
    expect(blurred.sharpness).toBeLessThan(facts.sharpness / 10);
    expect(facts.signature.length).toBe(32 * 32 + 8 * 8 * 3);
  });

  it("averages whole blocks", () => {
    const image = {
      width: 5,
      height: 2,
      channels: 1,
      data: Uint8Array.from([0, 10, 20, 30, 99, 10, 20, 30, 40, 99]),
    } as const;
    expect([...reduce(image, 2).data]).toEqual([10, 30]);
  });
});

describe("prepareImages", () => {
  let folder: string;
  let cacheFolder: string;
  const good = (n: number): Uint8Array => encodePng(ramp(20 + n, 20));

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "striate-data-"));
    cacheFolder = join(folder, "cache");
    for (const label of ["a", "b"]) {
      await mkdir(join(folder, "photos", label), { recursive: true });
      for (let n = 0; n < 3; n++)
        await writeFile(join(folder, "photos", label, `${n}.png`), good(n));
    }
    await writeFile(join(folder, "photos/a/bad.jpg"), "this is no image");
    await writeFile(join(folder, "photos/b/cut.png"), good(9).subarray(0, 70));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  const withThreads = async <T>(
    use: (set: DataSet, preparer: Awaited<ReturnType<typeof threadedPreparer>>) => Promise<T>,
    options = {},
  ): Promise<T> => {
    const preparer = await threadedPreparer({
      settings: { geometry },
      threads: 2,
      cacheFolder,
      ...options,
    });
    try {
      return await use(await openData(join(folder, "photos")), preparer);
    } finally {
      await preparer.close();
    }
  };

  it("names bad files, keeps the order of the good ones, reports progress", async () => {
    const seen: string[] = [];
    const prepared = await withThreads((set, preparer) =>
      prepareImages(set, {
        preparer,
        onProgress: (done, total, bad) => seen.push(`${done}/${total} ${bad}`),
      }),
    );
    expect(prepared.set.items.map((item) => item.id)).toEqual([
      "a/0.png",
      "a/1.png",
      "a/2.png",
      "b/0.png",
      "b/1.png",
      "b/2.png",
    ]);
    expect(prepared.bad.map(({ file, label, kind }) => [file, label, kind])).toEqual([
      ["a/bad.jpg", "a", "FormatError"],
      ["b/cut.png", "b", "FormatError"],
    ]);
    expect(prepared.bad[1]!.message).toContain("b/cut.png: the image is cut off");
    expect(seen.at(-1)).toBe("8/8 2");
    expect(prepared.facts[1]).toMatchObject({ width: 21, height: 20, format: "png" });
  });

  it("stops at the first bad file when asked to", async () => {
    await expect(
      withThreads((set, preparer) => prepareImages(set, { preparer, onBad: "stop" })),
    ).rejects.toThrow(/a\/bad.jpg: no image format begins with|b\/cut.png: the image is cut off/);
  });

  it("gives the same pixels from threads, from the cache, and on the calling thread", async () => {
    const pixelsOf = async (
      prepared: Awaited<ReturnType<typeof prepareImages>>,
    ): Promise<Uint8Array[]> =>
      Promise.all(prepared.set.items.map(async (_, index) => (await prepared.pixels(index)).data));
    const decoded = await withThreads(async (set, preparer) =>
      pixelsOf(await prepareImages(set, { preparer })),
    );
    const cached = await withThreads(async (set, preparer) =>
      pixelsOf(await prepareImages(set, { preparer })),
    );
    const reloaded = await withThreads(async (set, preparer) =>
      pixelsOf(await prepareImages(set, { preparer, memoryLimitBytes: 800 })),
    );
    const set = await openData(join(folder, "photos"));
    const inline = await pixelsOf(
      await prepareImages(set, { preparer: inlinePreparer(nodeCodecs(), { geometry }) }),
    );
    expect(cached).toEqual(decoded);
    expect(reloaded).toEqual(decoded);
    expect(inline.map((data) => [...data])).toEqual(decoded.map((data) => [...data]));
  });

  it("takes a file from the cache by its content, and makes a damaged record anew", async () => {
    await withThreads((set, preparer) => prepareImages(set, { preparer }));
    const records = (await readdir(cacheFolder, { recursive: true })).filter((name) =>
      name.endsWith(".img"),
    );
    // a/n and b/n are copies of one another.
    expect(records.length).toBe(3);
    for (const name of records) await writeFile(join(cacheFolder, name), "half a rec");
    const again = await withThreads((set, preparer) => prepareImages(set, { preparer }));
    expect(again.set.items.length).toBe(6);
  });

  it("notices a file that changed", async () => {
    const path = join(folder, "photos/a/0.png");
    await utimes(path, 1e9, 1e9);
    await withThreads((set, preparer) => prepareImages(set, { preparer }));
    const stamps = JSON.parse(await readFile(join(cacheFolder, "files.json"), "utf8")) as object;
    expect(Object.keys(stamps)).toContain(path);
    await writeFile(path, encodePng(createPixels(50, 20, 3)));
    const prepared = await withThreads((set, preparer) => prepareImages(set, { preparer }));
    expect(prepared.facts[0]!.width).toBe(50);
  });

  it("goes on without a cache that cannot be written", async () => {
    await writeFile(join(folder, "file"), "");
    const prepared = await withThreads((set, preparer) => prepareImages(set, { preparer }), {
      cacheFolder: join(folder, "file/inside"),
    });
    expect(prepared.set.items.length).toBe(6);
  });

  it("calls an image that takes too long, or cannot be read, a bad file", async () => {
    const slow = await withThreads(
      (set, preparer) => prepareImages(set, { preparer }).catch((error: Error) => error),
      {
        timeoutMs: 1,
      },
    );
    // A worker needs longer than a millisecond to start, so here every file is late.
    expect((slow as Error).message).toContain("decoding took longer than 1 ms");
    await rm(join(folder, "photos/a/1.png"));
    await mkdir(join(folder, "photos/a/1.png"));
    await chmod(join(folder, "photos/b/1.png"), 0);
    const set = createDataSet({
      name: "odd",
      format: "csv",
      items: ["a/0.png", "a/1.png", "a/none.png"].map((id) => ({
        id,
        label: id,
        source: {
          kind: "file" as const,
          sizeBytes: 1,
          path: join(folder, "photos", id),
          read: () => Promise.reject(new Error("not asked")),
        },
      })),
    });
    const prepared = await withThreads((_, preparer) => prepareImages(set, { preparer }));
    expect(prepared.bad.map(({ message }) => message)).toEqual([
      "a/1.png: it cannot be read (EISDIR).",
      "a/none.png: there is no such file.",
    ]);
  });

  it("says when nothing is usable", async () => {
    await rm(join(folder, "photos/b"), { recursive: true });
    for (let n = 0; n < 3; n++) await rm(join(folder, `photos/a/${n}.png`));
    await expect(withThreads((set, preparer) => prepareImages(set, { preparer }))).rejects.toThrow(
      "none of its 1 images can be used; the first: a/bad.jpg: no image format",
    );
  });

  it("keeps records as they are where nothing is to be done, and measures them when asked", async () => {
    const image = ramp(16, 16);
    const set = createDataSet({
      name: "records",
      format: "memory",
      items: [{ id: "r#0", label: "x", source: { kind: "pixels", pixels: () => image } }],
    });
    const preparer = inlinePreparer(nodeCodecs(), { geometry });
    const plain = await prepareImages(set, { preparer });
    expect(plain.pixels(0)).toBe(image);
    expect(plain.facts).toEqual([undefined]);
    const measured = await prepareImages(set, { preparer, measureRecords: true });
    expect(measured.facts[0]).toMatchObject({ width: 16, format: "pixels", sizeBytes: 768 });
  });
});

describe("the cache on disk", () => {
  it("reads back what it wrote and refuses what was altered", () => {
    const image = {
      pixels: ramp(8, 8),
      facts: {
        ...measure(ramp(8, 8)),
        sha256: "aa",
        sizeBytes: 5,
        width: 8,
        height: 8,
        format: "png",
        warnings: ["w"],
        timeMs: 7,
      },
    };
    const bytes = encodeRecord(image);
    expect(decodeRecord(bytes)).toEqual(image);
    for (const length of [0, 10, 40, bytes.length - 1])
      expect(decodeRecord(bytes.subarray(0, length))).toBeUndefined();
    bytes[bytes.length - 1]! ^= 1;
    expect(decodeRecord(bytes)).toBeUndefined();
  });

  it("keeps other settings apart and frees what was used longest ago", async () => {
    const folder = await mkdtemp(join(tmpdir(), "striate-cache-"));
    try {
      const small = imageCache(folder, { geometry });
      const large = imageCache(folder, { geometry: { ...geometry, width: 32 } });
      const image = (n: number) => ({
        pixels: ramp(8, 8),
        facts: {
          ...measure(ramp(8, 8)),
          sha256: `${n}`,
          sizeBytes: n,
          width: 8,
          height: 8,
          format: "png",
          warnings: [],
        },
      });
      for (let n = 0; n < 3; n++) await small.put(`${n}${n}${n}`, image(n));
      expect((await small.get("111"))?.facts.sizeBytes).toBe(1);
      expect(await large.get("111")).toBeUndefined();
      const [name] = (await readdir(folder, { recursive: true })).filter((entry) =>
        entry.endsWith("000.img"),
      );
      await utimes(join(folder, name!), 1e9, 1e9);
      const size = encodeRecord(image(0)).length;
      expect(await pruneCache(folder, 2.5 * size)).toBe(size);
      expect(await small.get("000")).toBeUndefined();
      expect(await small.get("222")).toBeDefined();
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
