import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FormatError } from "../core/errors.ts";
import { writeFileAtomic } from "./atomicWrite.node.ts";
import { blobSource, bytesSource } from "./byteSource.ts";
import { diskFolder } from "./fileFolder.node.ts";
import { checkRelativePath } from "./fileFolder.ts";
import { openFile } from "./fileSource.node.ts";
import { joinedSource } from "./joinedSource.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeFileAtomic", () => {
  it("leaves the old file as it was, and nothing beside it, when writing fails", async () => {
    const path = join(folder, "a/b.bin");
    await writeFileAtomic(path, "old");
    function* failing() {
      yield Uint8Array.of(1);
      throw new Error("out of weights");
    }
    await expect(writeFileAtomic(path, failing())).rejects.toThrow("out of weights");
    expect(await readFile(path, "utf8")).toBe("old");
    expect(await readdir(join(folder, "a"))).toEqual(["b.bin"]);
  });

  it("writes chunks one after another, over what was there", async () => {
    const path = join(folder, "a.bin");
    await writeFileAtomic(path, "longer than before");
    async function* chunks() {
      yield Uint8Array.of(1, 2);
      yield Uint8Array.of(3);
    }
    await writeFileAtomic(path, chunks());
    expect([...(await readFile(path))]).toEqual([1, 2, 3]);
  });
});

describe("openFile", () => {
  it("reads ranges, and no others", async () => {
    const path = join(folder, "a.bin");
    await writeFile(path, Uint8Array.of(1, 2, 3, 4));
    const source = await openFile(path);
    expect([...(await source.read(1, 2))]).toEqual([2, 3]);
    expect([...(await source.read(4, 0))]).toEqual([]);
    for (const [offset, length] of [
      [3, 2],
      [-1, 1],
      [0, 2 ** 53],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      await expect(source.read(offset, length)).rejects.toThrow(FormatError);
    }
  });

  it("notices that the file was changed meanwhile", async () => {
    const path = join(folder, "a.bin");
    await writeFile(path, "1234");
    const source = await openFile(path);
    await writeFileAtomic(path, "5678");
    await expect(source.read(0, 4)).rejects.toThrow(/changed while it was being read/);
  });

  it("reads neither a folder nor a socket", async () => {
    const path = join(folder, "socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(openFile(path)).rejects.toThrow(/not a regular file/);
    await expect(openFile(folder)).rejects.toThrow(/not a regular file/);
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("diskFolder", () => {
  it("leads nowhere outside, by path or by link", async () => {
    await writeFile(join(folder, "secret"), "x");
    const inner = join(folder, "model");
    await mkdir(inner);
    await writeFile(join(inner, "w.bin"), "weights");
    await symlink("../secret", join(inner, "link.bin"));
    await symlink("w.bin", join(inner, "inside.bin"));
    const files = diskFolder(inner);
    expect((await files.open("./w.bin")).sizeBytes).toBe(7);
    expect((await files.open("inside.bin")).sizeBytes).toBe(7);
    await expect(files.open("link.bin")).rejects.toThrow(/leads out of the folder/);
    await expect(files.open("../secret")).rejects.toThrow(/not a path inside the folder/);
    await expect(files.open("none.bin")).rejects.toThrow(/cannot open "none.bin" \(ENOENT\)/);
    const linked = diskFolder(inner, { followLinks: true });
    expect((await linked.open("link.bin")).sizeBytes).toBe(1);
    expect([await files.has("w.bin"), await files.has("x"), await files.has(".")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each(["", "/a", "a//b", "a/../b", "..", "a\\b", "C:a", "a\0b", `${"a/".repeat(600)}b`])(
    "refuses the path %j",
    (path) => {
      expect(() => checkRelativePath(path, "x")).toThrow(FormatError);
    },
  );
});

describe("sources", () => {
  it("are the same from a buffer, a blob and parts", async () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6);
    const parts = [
      bytes.subarray(0, 1),
      bytes.subarray(1, 1),
      bytes.subarray(1, 5),
      bytes.subarray(5),
    ];
    const sources = [
      bytesSource(bytes),
      blobSource(new Blob([bytes])),
      joinedSource(
        parts.map((part) => bytesSource(part)),
        "joined",
      ),
    ];
    for (const source of sources) {
      expect(source.sizeBytes).toBe(6);
      for (let start = 0; start <= 6; start++) {
        for (let end = start; end <= 6; end++) {
          expect(await source.read(start, end - start)).toEqual(bytes.slice(start, end));
        }
      }
      await expect(source.read(5, 2)).rejects.toThrow(FormatError);
    }
  });
});
