import { gzipSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { browserFiles, memoryFiles } from "./fileTree.ts";
import { checkTrainable, countClasses, type DataSet } from "./manifest.ts";
import { openFiles } from "./openFiles.ts";

const image = new Uint8Array([1]);
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const paths = (...names: string[]) => Object.fromEntries(names.map((name) => [name, image]));
const open = (files: Record<string, Uint8Array>, file?: string): Promise<DataSet> =>
  openFiles(memoryFiles("set", files), file);
const labelsOf = (set: DataSet): string[] => set.items.map((item) => set.classes[item.label]!);

describe("class folders", () => {
  it("takes the folders' names as classes, in natural order", async () => {
    const set = await open(paths("c10/a.jpg", "c2/b.PNG", "c1/deep/er/c.webp", "c1/d.jpeg"));
    expect(set.format).toBe("folder");
    expect(set.classes).toEqual(["c1", "c2", "c10"]);
    expect(set.items.map((item) => item.id)).toEqual([
      "c1/d.jpeg",
      "c1/deep/er/c.webp",
      "c10/a.jpg",
      "c2/b.PNG",
    ]);
    expect(labelsOf(set)).toEqual(["c1", "c1", "c10", "c2"]);
    expect(countClasses(set)).toEqual([2, 1, 1]);
  });

  it("reads train, val and test folders", async () => {
    const set = await open(
      paths("train/a/1.jpg", "train/b/2.jpg", "Validation/a/3.jpg", "test/b/4.jpg"),
    );
    expect(set.classes).toEqual(["a", "b"]);
    expect(Object.fromEntries(set.items.map((item) => [item.id, item.split]))).toEqual({
      "train/a/1.jpg": "train",
      "train/b/2.jpg": "train",
      "Validation/a/3.jpg": "val",
      "test/b/4.jpg": "test",
    });
  });

  it("takes test and train for classes when the rest are classes as well", async () => {
    const set = await open(paths("train/1.jpg", "bus/2.jpg", "car/3.jpg"));
    expect(set.classes).toEqual(["bus", "car", "train"]);
  });

  it("steps into a folder that wraps everything", async () => {
    const set = await open(
      paths("photos/inner/a/1.jpg", "photos/inner/b/2.jpg", "photos/readme.txt"),
    );
    expect(set.classes).toEqual(["a", "b"]);
    expect(set.ignored).toEqual([
      { file: "photos/readme.txt", reason: "its name is not an image's" },
    ]);
  });

  it("leaves out litter without a word, and lists other files", async () => {
    const set = await open(
      paths(
        "a/1.jpg",
        "a/.DS_Store",
        "__MACOSX/a/._1.jpg",
        "b/Thumbs.db",
        "b/2.jpg",
        "b/notes.txt",
        "loose.jpg",
      ),
    );
    expect(set.items.length).toBe(2);
    expect(set.ignored).toEqual([
      { file: "b/notes.txt", reason: "its name is not an image's" },
      { file: "loose.jpg", reason: "it is in no class folder" },
    ]);
  });

  it("keeps images of formats that are not decoded, so that they are named as bad", async () => {
    expect((await open(paths("a/1.heic", "b/2.tif"))).items.length).toBe(2);
  });

  it.each([
    [{}, "the folder is empty; expected one folder per class"],
    [{ "a/readme.txt": image }, "1 files, none of them an image"],
    [{ "1.jpg": image, "2.jpg": image }, "2 images, none of them in a class folder"],
  ])("says what is wrong with a folder without data: %#", async (files, message) => {
    await expect(open(files)).rejects.toThrow(message);
  });

  it("takes the files a browser gives", async () => {
    const file = (path: string) => ({
      name: path.split("/").at(-1)!,
      webkitRelativePath: path,
      size: 3,
      arrayBuffer: async () => new ArrayBuffer(3),
    });
    const set = await openFiles(browserFiles([file("mine/a/1.jpg"), file("mine/b/2.jpg")]));
    expect([set.name, ...set.classes]).toEqual(["mine", "a", "b"]);
    const { source } = set.items[0]!;
    expect(source.kind === "file" && (await source.read()).length).toBe(3);
  });
});

describe("checkTrainable", () => {
  const check = async (...names: string[]): Promise<void> =>
    checkTrainable(await open(paths(...names)));

  it("accepts two classes with two images each, and single images where the split is given", async () => {
    await check("a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg");
    await check("train/a/1.jpg", "train/b/2.jpg", "val/a/3.jpg", "val/b/4.jpg");
  });

  it("refuses one image, one class, and a class with one image", async () => {
    await expect(check("a/1.jpg")).rejects.toThrow(
      "1 image; training and validation need at least 2",
    );
    await expect(check("a/1.jpg", "a/2.jpg")).rejects.toThrow('1 class ("a") with 2 images');
    await expect(check("a/1.jpg", "a/2.jpg", "b/3.jpg")).rejects.toThrow('class "b" has 1 image');
  });
});

describe("lists", () => {
  const images = paths("img/1.jpg", "img/2.jpg", "img/3,x.jpg");

  it("reads CSV with quotes, line ends of any kind, a byte order mark and more columns", async () => {
    const csv =
      '\uFEFFlabel,File,group,note,split\r\ncat,img/1.jpg,g1,"a ""b"", c",train\r\ndog,./img\\2.jpg,,,val\r\n"cat","img/3,x.jpg",g1,"two\nlines",\r\n';
    const set = await open({ ...images, "manifest.csv": text(csv) });
    expect(set.format).toBe("csv");
    expect(set.items.map(({ id, split, group }) => [id, split, group])).toEqual([
      ["img/1.jpg", "train", "g1"],
      ["img/2.jpg", "val", undefined],
      ["img/3,x.jpg", undefined, "g1"],
    ]);
    expect(labelsOf(set)).toEqual(["cat", "dog", "cat"]);
  });

  it("reads CSV with semicolons, JSON lines, and a list named on its own", async () => {
    const semicolons = { ...images, "labels.csv": text("file;label\nimg/1.jpg;a\nimg/2.jpg;b\n") };
    expect((await open(semicolons)).classes).toEqual(["a", "b"]);
    const lines =
      '{"file":"img/1.jpg","label":7}\n\n{"file":"img/2.jpg","label":"x","group":"g"}\n';
    const set = await open({ ...images, "odd.jsonl": text(lines) }, "odd.jsonl");
    expect([set.classes, set.items[1]!.group]).toEqual([["7", "x"], "g"]);
  });

  it("joins train.csv, val.csv and test.csv", async () => {
    const set = await open({
      ...images,
      "train.csv": text("file,label\nimg/1.jpg,a\n"),
      "val.csv": text("file,label\nimg/2.jpg,b\n"),
      "test.csv": text('file,label\n"img/3,x.jpg",a\n'),
    });
    expect(set.items.map((item) => item.split)).toEqual(["train", "val", "test"]);
    expect(labelsOf(set)).toEqual(["a", "b", "a"]);
  });

  it("keeps a listed file that is not there, to be named when it is read", async () => {
    const set = await open({
      ...images,
      "manifest.csv": text("file,label\nimg/1.jpg,a\nimg/9.jpg,b\n"),
    });
    const { source } = set.items[1]!;
    await expect(source.kind === "file" && source.read()).rejects.toThrow(
      "img/9.jpg: there is no such file, but set/manifest.csv: line 3 lists it",
    );
  });

  it.each([
    ["file,label\nimg/1.jpg,\nimg/2.jpg,b\n", "1 of 2 rows have no label (line 2)"],
    ["file,label\nimg/1.jpg\n", "1 of 1 rows have no label (line 2)"],
    ["file,label\n", "the list is empty"],
    ["file,label\nimg/7.jpg,a\n", 'none of its 1 files is there (the first is "img/7.jpg")'],
    ["file,label\n../secret.jpg,a\n", 'line 2: path "../secret.jpg" leads out of its folder'],
    ["file,label\n/etc/passwd,a\n", 'path "/etc/passwd" leads out'],
    ["file,label\nC:\\x.jpg,a\n", "leads out of its folder"],
    ["file,label\nimg/1.jpg,a\nimg/1.jpg,b\n", '"img/1.jpg" is listed twice'],
    ["file,label,split\nimg/1.jpg,a,dev\n", 'split "dev"; expected train, val or test'],
    ['file,label\n"img/1.jpg,a\n', "a quoted field is never closed"],
  ])("refuses a bad list, with the line: %j", async (csv, message) => {
    await expect(open({ ...images, "manifest.csv": text(csv) })).rejects.toThrow(message);
  });

  it("names the missing column and what is no JSON", async () => {
    const bad = {
      ...images,
      "x.csv": text("path,label\nimg/1.jpg,a\n"),
      "y.jsonl": text("{oops}\n"),
    };
    await expect(open(bad, "x.csv")).rejects.toThrow('no column "file" (columns: path, label)');
    await expect(open(bad, "y.jsonl")).rejects.toThrow("line 1: this is not JSON");
    await expect(open(bad, "z.txt")).rejects.toThrow('a file ending in ".txt"');
  });
});

describe("packs of records", () => {
  const idx = (type: number, shape: number[], data: number[]): Uint8Array => {
    const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
    bytes.set([0, 0, type, shape.length]);
    const view = new DataView(bytes.buffer);
    for (const [axis, size] of shape.entries()) view.setUint32(4 + 4 * axis, size);
    bytes.set(data, 4 + 4 * shape.length);
    return bytes;
  };
  const pixelsOf = (set: DataSet, index: number): number[] => {
    const { source } = set.items[index]!;
    return source.kind === "pixels" ? [...source.pixels().data] : [];
  };

  it("reads IDX files, gzipped or not, with their parts and class names", async () => {
    const files = {
      "train-images-idx3-ubyte.gz": gzipSync(idx(8, [2, 1, 2], [1, 2, 3, 4])),
      "train-labels-idx1-ubyte.gz": gzipSync(idx(8, [2], [1, 0])),
      "t10k-images.idx3-ubyte": idx(8, [1, 1, 2], [5, 6]),
      "t10k-labels.idx1-ubyte": idx(8, [1], [1]),
    };
    const set = await open(files);
    expect([set.format, ...set.classes]).toEqual(["idx", "0", "1"]);
    expect(set.items.map(({ id, label, split }) => [id, label, split])).toEqual([
      ["t10k-images.idx3-ubyte#0", 1, "test"],
      ["train-images-idx3-ubyte.gz#0", 1, "train"],
      ["train-images-idx3-ubyte.gz#1", 0, "train"],
    ]);
    expect(pixelsOf(set, 2)).toEqual([3, 4]);
    const named = await open({ ...files, "classes.txt": text("zero\none\n") });
    expect(named.classes).toEqual(["zero", "one"]);
  });

  it("says what is wrong with IDX files", async () => {
    const images = idx(8, [2, 1, 2], [1, 2, 3, 4]);
    const named = (labels?: Uint8Array, pixels = images) => ({
      "train-images-idx3-ubyte": pixels,
      ...(labels === undefined ? {} : { "train-labels-idx1-ubyte": labels }),
    });
    await expect(open(named())).rejects.toThrow(
      "has no labels beside it; expected train-labels-idx1-ubyte",
    );
    await expect(open(named(idx(8, [3], [0, 1, 1])))).rejects.toThrow("has 2 images,");
    await expect(open(named(idx(8, [2], [0, 1]), images.subarray(0, 18)))).rejects.toThrow(
      "the header says 2x1x2 = 4 bytes; 2 are there",
    );
    await expect(open(named(idx(13, [2], [0, 1])))).rejects.toThrow("begins with 00 00 0d 01");
    await expect(open(named(gzipSync(idx(8, [2], [0, 1])).subarray(0, 15)))).rejects.toThrow(
      "gzip data is cut off",
    );
  });

  it("reads CIFAR-10 batches: planes become pixels, names come from the meta file", async () => {
    const record = (label: number): number[] => [
      label,
      ...new Array<number>(1024).fill(10),
      ...new Array<number>(1024).fill(20),
      ...new Array<number>(1024).fill(30),
    ];
    const set = await open({
      "data_batch_1.bin.gz": gzipSync(Uint8Array.from([...record(1), ...record(0)])),
      "test_batch.bin": Uint8Array.from(record(1)),
      "batches.meta.txt": text("cat\ndog\n\n"),
    });
    expect([set.format, ...set.classes, ...labelsOf(set)]).toEqual([
      "cifar",
      "cat",
      "dog",
      "dog",
      "cat",
      "dog",
    ]);
    expect(set.items.map((item) => item.split)).toEqual(["train", "train", "test"]);
    expect(pixelsOf(set, 0).slice(0, 6)).toEqual([10, 20, 30, 10, 20, 30]);
    await expect(open({ "data_batch_1.bin": new Uint8Array(3000) })).rejects.toThrow(
      "3000 bytes; expected whole records of 3073",
    );
  });

  it("reads CIFAR-100 batches by their fine labels", async () => {
    const record = Uint8Array.from([9, 1, ...new Array<number>(3072).fill(7)]);
    const set = await open({ "train.bin": record, "fine_label_names.txt": text("apple\nbee\n") });
    expect(labelsOf(set)).toEqual(["bee"]);
  });

  function npy(type: string, shape: readonly number[], data: Uint8Array): Uint8Array {
    const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
    const header = text(`{'descr': '${type}', 'fortran_order': False, 'shape': ${tuple}, }\n`);
    const bytes = new Uint8Array(10 + header.length + data.length);
    bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]);
    bytes.set(header, 10);
    bytes.set(data, 10 + header.length);
    return bytes;
  }
  const bytesOf = (array: { buffer: ArrayBufferLike }): Uint8Array => new Uint8Array(array.buffer);

  it("reads .npz files: bytes, floats, channels first or last", async () => {
    const pack = zipSync({
      "x_train.npy": npy(
        "<f4",
        [2, 1, 2, 3],
        bytesOf(Float32Array.from([0, 0.5, 1, 0, 0, 0, 1, 1, 1, 0, 0, 0])),
      ),
      "y_train.npy": npy("<i8", [2, 1], bytesOf(BigInt64Array.from([3n, 0n]))),
      "x_test.npy": npy(
        "|u1",
        [1, 3, 1, 4],
        Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
      ),
      "y_test.npy": npy("|u1", [1], Uint8Array.from([3])),
    });
    const set = await open({ "data.npz": pack });
    expect([set.format, ...set.classes]).toEqual(["npz", "0", "3"]);
    expect(set.items.map((item) => item.split)).toEqual(["train", "train", "test"]);
    expect(pixelsOf(set, 0)).toEqual([0, 128, 255, 0, 0, 0]);
    expect(pixelsOf(set, 2)).toEqual([1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
  });

  it("says what is wrong with an .npz file", async () => {
    const pack = (arrays: Record<string, Uint8Array>) => open({ "data.npz": zipSync(arrays) });
    const grey = npy("|u1", [2, 1, 1], Uint8Array.from([1, 2]));
    await expect(pack({ "a.npy": grey })).rejects.toThrow(
      "holds the arrays a; expected x_train and y_train",
    );
    await expect(
      pack({ "x.npy": grey, "y.npy": npy("|u1", [1], Uint8Array.from([1])) }),
    ).rejects.toThrow('"x" has 2 images, "y" 1 labels');
    await expect(pack({ "x.npy": npy("<c8", [1], grey), "y.npy": grey })).rejects.toThrow(
      "plain numbers in C order",
    );
    await expect(pack({ "x.npy": npy("|u1", [9, 9, 9], grey), "y.npy": grey })).rejects.toThrow(
      "needs 729 bytes",
    );
    await expect(open({ "data.npz": text("no zip") })).rejects.toThrow("not a readable .npz");
  });
});
