import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zlibSync } from "fflate";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { countClasses } from "../manifest.ts";
import { openData } from "../openData.node.ts";
import { type PublicSet, publicSets, type SetFile } from "./catalog.ts";
import { getData } from "./getData.node.ts";
import { readMatFile } from "./matFile.ts";
import { writeSample } from "./sample.node.ts";
import { drawSample, sampleClasses, sampleData } from "./sample.ts";
import { readTar } from "./tar.ts";

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const text = (content: string): Uint8Array => new TextEncoder().encode(content);

/** A tar archive of plain files, as `tar` writes it. */
function tar(
  files: Readonly<Record<string, Uint8Array>>,
  types: Readonly<Record<string, string>> = {},
): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (const [path, bytes] of Object.entries(files)) {
    const header = new Uint8Array(512);
    header.set(text(path.slice(0, 100)));
    header.set(text(bytes.length.toString(8).padStart(11, "0")), 124);
    header[156] = (types[path] ?? "0").charCodeAt(0);
    header.set(text("ustar\0"), 257);
    header.fill(32, 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(text(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
    const body = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    body.set(bytes);
    blocks.push(header, body);
  }
  blocks.push(new Uint8Array(1024));
  return Uint8Array.from(blocks.flatMap((block) => [...block]));
}

async function unpack(archive: Uint8Array, pieceBytes: number): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  let path = "";
  const pieces = Array.from({ length: Math.ceil(archive.length / pieceBytes) }, (_, i) =>
    archive.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  );
  await readTar(
    pieces,
    {
      async begin(name) {
        path = name;
        files[path] = "";
      },
      async write(piece) {
        files[path] += new TextDecoder().decode(piece);
      },
      async end() {},
    },
    "x.tar",
  );
  return files;
}

describe("readTar", () => {
  const archive = tar({
    "a/1.txt": text("one"),
    "a/empty": new Uint8Array(0),
    "b.txt": text("b".repeat(1500)),
  });

  it("gives the files, whatever the pieces", async () => {
    const expected = { "a/1.txt": "one", "a/empty": "", "b.txt": "b".repeat(1500) };
    for (const size of [1, 7, 512, 1000, 100_000])
      expect(await unpack(archive, size)).toEqual(expected);
  });

  it("reads long names of both kinds and leaves links out", async () => {
    const long = `${"deep/".repeat(30)}file.txt`;
    const record = `path=${long}\n`;
    const pax = `${record.length + 4} ${record}`;
    expect(
      await unpack(
        tar(
          {
            "././@LongLink": text(`${long}\0`),
            short: text("1"),
            pax: text(pax),
            other: text("2"),
            link: text(""),
            last: text("3"),
          },
          { "././@LongLink": "L", pax: "x", link: "2" },
        ),
        100,
      ),
    ).toEqual({ [long]: "2", last: "3" });
  });

  it("refuses paths that leave the folder, damage, and an archive that is cut off", async () => {
    await expect(unpack(tar({ "../evil": text("x") }), 512)).rejects.toThrow(
      "leads out of its folder",
    );
    await expect(unpack(tar({ "/etc/evil": text("x") }), 512)).rejects.toThrow("leads out");
    const damaged = archive.slice();
    damaged[0]! ^= 1;
    await expect(unpack(damaged, 512)).rejects.toThrow("tar checksum");
    await expect(unpack(archive.subarray(0, 513), 512)).rejects.toThrow("cut off after 513 bytes");
  });
});

/** A MATLAB 5 file with row vectors of 16-bit numbers. */
function mat(matrices: Readonly<Record<string, number[]>>): Uint8Array {
  const element = (type: number, data: Uint8Array): number[] => {
    const padded = new Uint8Array(8 + Math.ceil(data.length / 8) * 8);
    new DataView(padded.buffer).setUint32(0, type, true);
    new DataView(padded.buffer).setUint32(4, data.length, true);
    padded.set(data, 8);
    return [...padded];
  };
  const header = new Uint8Array(128);
  header.set([0, 1, 0x49, 0x4d], 124);
  const bytes = [...header];
  for (const [name, values] of Object.entries(matrices)) {
    const matrix = element(
      14,
      Uint8Array.from([
        ...element(6, new Uint8Array(8)),
        ...element(5, new Uint8Array(8)),
        // A short name lies in its tag.
        ...(name.length <= 4
          ? [1, 0, name.length, 0, ...text(name.padEnd(4, "\0"))]
          : element(1, text(name))),
        ...element(4, new Uint8Array(Uint16Array.from(values).buffer)),
      ]),
    );
    const packed = zlibSync(Uint8Array.from(matrix));
    const tag = new Uint8Array(8);
    new DataView(tag.buffer).setUint32(0, 15, true);
    new DataView(tag.buffer).setUint32(4, packed.length, true);
    bytes.push(...tag, ...packed);
  }
  return Uint8Array.from(bytes);
}

describe("readMatFile", () => {
  it("reads compressed matrices of numbers", () => {
    expect(readMatFile(mat({ a: [1, 500, 3], bcd: [7] }), "x.mat")).toEqual({
      a: [1, 500, 3],
      bcd: [7],
    });
    expect(() => readMatFile(new Uint8Array(200), "x.mat")).toThrow(
      "x.mat: not a little-endian MATLAB 5 file",
    );
    expect(() => readMatFile(mat({ a: [1, 2] }).subarray(0, 150), "x.mat")).toThrow("x.mat: ");
  });
});

describe("getData", () => {
  let folder: string;
  let server: Server;
  let base: string;
  let requests: string[];
  let answer: (request: IncomingMessage, response: ServerResponse, body: Uint8Array) => void;
  const content = new Map<string, Uint8Array>();

  const idx = (shape: number[], data: number[]): Uint8Array =>
    Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap((size) => [0, 0, 0, size]), ...data]);
  const images = gzipSync(
    idx(
      [4, 2, 2],
      Array.from({ length: 16 }, (_, i) => (i * 83) & 255),
    ),
  );
  const labels = gzipSync(idx([4], [0, 1, 1, 0]));

  const fileOf = (name: string, bytes: Uint8Array, more: Partial<SetFile> = {}): SetFile => {
    content.set(`/${name}`, bytes);
    return { url: `${base}/${name}`, sizeBytes: bytes.length, sha256: hash(bytes), ...more };
  };
  const setOf = (files: SetFile[], more: Partial<PublicSet> = {}): Record<string, PublicSet> => ({
    tiny: { summary: "", home: "h", licence: "l", layout: "files", files, ...more },
  });
  const tiny = (): Record<string, PublicSet> =>
    setOf(
      [fileOf("train-images-idx3-ubyte.gz", images), fileOf("train-labels-idx1-ubyte.gz", labels)],
      {
        classes: ["no", "yes"],
      },
    );

  function serveRanges(request: IncomingMessage, response: ServerResponse, body: Uint8Array): void {
    const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? -1);
    response.statusCode = from >= 0 ? 206 : 200;
    response.end(body.subarray(Math.max(0, from)));
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "striate-get-"));
    requests = [];
    answer = serveRanges;
    server = createServer((request, response) => {
      requests.push(`${request.url} ${request.headers.range ?? "whole"}`);
      const body = content.get(request.url!);
      if (body === undefined) response.writeHead(404).end();
      else answer(request, response, body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  it("fetches, checks, names the classes, and reports progress; a second time it has nothing to do", async () => {
    const progress: string[] = [];
    const options = {
      folder: join(folder, "tiny"),
      sets: tiny(),
      onProgress: (file: string, received: number, total: number) =>
        progress.push(`${file} ${received === total}`),
    };
    expect((await getData("tiny", options)).fetched).toBe(true);
    expect(progress).toContain("train-images-idx3-ubyte.gz true");
    const set = await openData(options.folder);
    expect([set.classes, countClasses(set)]).toEqual([
      ["no", "yes"],
      [2, 2],
    ]);
    expect(JSON.parse(await readFile(join(options.folder, "source.json"), "utf8"))).toMatchObject({
      name: "tiny",
    });
    requests = [];
    expect((await getData("tiny", options)).fetched).toBe(false);
    expect(requests).toEqual([]);
    expect(await readdir(folder)).toEqual(["tiny"]);
  });

  it("goes on where a broken connection stopped", async () => {
    const part = join(folder, "tiny.part/train-images-idx3-ubyte.gz.part");
    const arrived = async (bytes: number): Promise<void> => {
      while (((await stat(part).catch(() => undefined))?.size ?? 0) < bytes) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    let cuts = 0;
    answer = (request, response, body) => {
      if (cuts++ > 1) return serveRanges(request, response, body);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      response.writeHead(from > 0 ? 206 : 200, { "Content-Length": body.length - from });
      response.write(body.subarray(from, from + 10));
      // Broken off once the ten bytes are on the client's disk.
      void arrived(from + 10).then(() => response.destroy());
    };
    const result = await getData("tiny", {
      folder: join(folder, "tiny"),
      sets: tiny(),
      retryMs: 1,
    });
    expect(result.fetched).toBe(true);
    expect(requests.slice(0, 3)).toEqual([
      "/train-images-idx3-ubyte.gz whole",
      "/train-images-idx3-ubyte.gz bytes=10-",
      "/train-images-idx3-ubyte.gz bytes=20-",
    ]);
  });

  it("goes on with what a killed run left, also from a server without ranges", async () => {
    await mkdir(join(folder, "tiny.part"));
    await writeFile(
      join(folder, "tiny.part/train-images-idx3-ubyte.gz.part"),
      images.subarray(0, 5),
    );
    answer = (_, response, body) => response.end(body);
    await getData("tiny", { folder: join(folder, "tiny"), sets: tiny() });
    expect(requests[0]).toBe("/train-images-idx3-ubyte.gz bytes=5-");
    expect(hash(await readFile(join(folder, "tiny/train-images-idx3-ubyte.gz")))).toBe(
      hash(images),
    );
  });

  it("refuses other content, and forgets it", async () => {
    const sets = tiny();
    content.set(
      "/train-images-idx3-ubyte.gz",
      images.map((byte, i) => (i === 20 ? byte ^ 1 : byte)),
    );
    await expect(getData("tiny", { folder: join(folder, "tiny"), sets })).rejects.toThrow(
      `expected ${images.length} and ${hash(images)}`,
    );
    expect(await readdir(join(folder, "tiny.part"))).toEqual([]);
    content.set("/train-images-idx3-ubyte.gz", new Uint8Array(100_000));
    await expect(getData("tiny", { folder: join(folder, "tiny"), sets })).rejects.toThrow(
      "this is another file",
    );
  });

  it("says what the server said, and gives up after some tries", async () => {
    const sets = tiny();
    content.delete("/train-images-idx3-ubyte.gz");
    await expect(getData("tiny", { folder: join(folder, "tiny"), sets })).rejects.toThrow(
      "the server answered 404",
    );
    tiny();
    answer = (_, response) => response.writeHead(503).end();
    await expect(
      getData("tiny", { folder: join(folder, "tiny"), sets, attempts: 2, retryMs: 1 }),
    ).rejects.toThrow("the download broke off 2 times");
    answer = () => {};
    await expect(
      getData("tiny", { folder: join(folder, "tiny"), sets, attempts: 1, stallMs: 50 }),
    ).rejects.toThrow("nothing arrived for 50 ms");
  });

  it("stops when asked to", async () => {
    answer = () => {};
    const signal = AbortSignal.timeout(50);
    await expect(
      getData("tiny", { folder: join(folder, "tiny"), sets: tiny(), signal }),
    ).rejects.toThrow(/abort|timeout/i);
  });

  it("takes a mirror or a local folder, and a file that was packed anew", async () => {
    const sets = tiny();
    for (const [name, bytes] of [...content]) content.set(`/mirror${name}`, bytes);
    await getData("tiny", { folder: join(folder, "mirrored"), sets, from: `${base}/mirror/` });
    expect(requests[0]).toBe("/mirror/train-images-idx3-ubyte.gz whole");
    const local = join(folder, "local");
    await mkdir(local);
    const repacked = gzipSync(
      idx(
        [4, 2, 2],
        Array.from({ length: 16 }, (_, i) => (i * 83) & 255),
      ),
      { level: 1, mtime: 1 },
    );
    await writeFile(join(local, "train-images-idx3-ubyte.gz"), repacked);
    await expect(
      getData("tiny", { folder: join(folder, "copied"), sets, from: local }),
    ).rejects.toThrow("has");
    const inside = hash(
      idx(
        [4, 2, 2],
        Array.from({ length: 16 }, (_, i) => (i * 83) & 255),
      ),
    );
    const loose = setOf([
      fileOf("train-images-idx3-ubyte.gz", images, { contentSha256: inside }),
      fileOf("train-labels-idx1-ubyte.gz", labels),
    ]);
    await expect(
      getData("tiny", { folder: join(folder, "copied"), sets: loose, from: local }),
    ).rejects.toThrow("train-labels-idx1-ubyte.gz: there is no such file");
    await writeFile(join(local, "train-labels-idx1-ubyte.gz"), labels);
    await getData("tiny", { folder: join(folder, "copied"), sets: loose, from: local });
    expect((await openData(join(folder, "copied"))).items.length).toBe(4);
  });

  it("unpacks archives without their wrapping folder", async () => {
    const record = (label: number): Uint8Array =>
      Uint8Array.from([label, ...new Array<number>(3072).fill(label)]);
    const archive = gzipSync(
      tar({
        "cifar-10-batches-bin/data_batch_1.bin": record(1),
        "cifar-10-batches-bin/test_batch.bin": record(0),
        "cifar-10-batches-bin/batches.meta.txt": text("cat\ndog\n"),
      }),
    );
    const target = join(folder, "cifar");
    await getData("tiny", {
      folder: target,
      sets: setOf([fileOf("cifar.tar.gz", archive)], { layout: "unpack" }),
    });
    expect((await readdir(target)).sort()).toEqual([
      "batches.meta.txt",
      "data_batch_1.bin",
      "source.json",
      "test_batch.bin",
    ]);
    expect((await openData(target)).classes).toEqual(["cat", "dog"]);
  });

  it("turns the flowers' matrices into a list", async () => {
    const archive = gzipSync(
      tar({
        "jpg/image_00001.jpg": text("1"),
        "jpg/image_00002.jpg": text("2"),
        "jpg/image_00003.jpg": text("3"),
      }),
    );
    const sets = setOf(
      [
        fileOf("flowers.tgz", archive),
        fileOf("imagelabels.mat", mat({ labels: [77, 5, 77] })),
        fileOf("setid.mat", mat({ trnid: [3], valid: [1], tstid: [2] })),
      ],
      { layout: "flowers" },
    );
    const target = join(folder, "flowers");
    await getData("tiny", { folder: target, sets });
    expect(await readFile(join(target, "manifest.csv"), "utf8")).toBe(
      "file,label,split\nimage_00001.jpg,77,val\nimage_00002.jpg,5,test\nimage_00003.jpg,77,train\n",
    );
    expect((await openData(target)).classes).toEqual(["5", "77"]);
  });

  it("does not touch a folder that it did not make", async () => {
    await writeFile(join(folder, "mine"), "");
    await expect(getData("tiny", { folder: join(folder, "mine"), sets: tiny() })).rejects.toThrow(
      "was not made by data get",
    );
    await expect(getData("tinny", { folder, sets: tiny() })).rejects.toThrow(
      'Did you mean "tiny"?',
    );
  });
});

describe("publicSets", () => {
  it("have complete, distinct entries", () => {
    const files = Object.values(publicSets).flatMap((set): readonly SetFile[] => set.files);
    for (const { url, sizeBytes, sha256 } of files) {
      expect(url).toMatch(/^https?:\/\/[^ ]+\.(gz|tgz|mat)$/);
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(sizeBytes).toBeGreaterThan(100);
    }
    expect(new Set(files.map(({ sha256 }) => sha256)).size).toBe(files.length);
  });
});

describe("the sample", () => {
  it("is the same everywhere, class by class and image by image", () => {
    const set = sampleData({ imagesPerClass: 5 });
    expect(set.classes).toEqual(["fish", "house", "leaf", "mug", "mushroom", "umbrella"]);
    expect(set.items.length).toBe(30);
    const all = set.items.flatMap((item) =>
      item.source.kind === "pixels" ? [...item.source.pixels().data] : [],
    );
    expect(hash(Uint8Array.from(all))).toBe(
      "5392c9b86ddb37b4f6575526ec4c1f9d3818998e1b77bd528ff2188dfbc53691",
    );
    expect(sampleData().items.length).toBe(900);
  });

  it("has no two images alike, of any class", () => {
    const seen = new Set(
      sampleClasses().flatMap((label) =>
        Array.from({ length: 20 }, (_, n) => hash(drawSample(label, n, 32, 1).data)),
      ),
    );
    expect(seen.size).toBe(120);
  });

  it("is written as a folder that opens as the same data", async () => {
    const parent = await mkdtemp(join(tmpdir(), "striate-sample-"));
    try {
      const folder = join(parent, "sample");
      expect(await writeSample(folder, { imagesPerClass: 2, size: 24 })).toBe(12);
      const set = await openData(folder);
      expect(set.items[0]!.id).toBe("fish/fish0001.png");
      expect(countClasses(set)).toEqual([2, 2, 2, 2, 2, 2]);
      await expect(writeSample(folder)).rejects.toThrow("is there already");
      expect((await stat(join(folder, "leaf/leaf0002.png"))).size).toBeGreaterThan(200);
    } finally {
      await rm(parent, { recursive: true });
    }
  });
});
