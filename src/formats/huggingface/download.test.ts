import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type HubServer, startHubServer } from "../../../test/formats/hubServer.ts";
import { FormatError } from "../../core/errors.ts";
import { diskFolder } from "../fileFolder.node.ts";
import { writeFiles } from "../writeFiles.node.ts";
import { downloadModel } from "./download.node.ts";
import { listHubFiles } from "./hub.ts";
import { encodeModelFolder, readModelFolder } from "./modelFolder.ts";

const id = "tests/tiny";
const weights = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
const model = encodeModelFolder({
  config: { net: "mlp", variant: "tiny", input: [1, 2, 2], labels: ["a", "b"], extra: {} },
  preprocessing: {
    width: 2,
    height: 2,
    channels: 1,
    fit: "stretch",
    cropRatio: 1,
    filter: "bilinear",
    scale: 1 / 255,
    mean: [0.5],
    std: [0.25],
    channelOrder: "rgb",
  },
  tensors: { "fc.weight": { shape: [50, 100], data: weights } },
  card: { facts: { license: "mit" }, text: "# tiny" },
});
const files = { ...Object.fromEntries(model), "notes/big.txt": new Uint8Array(3000) };

let hub: HubServer;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "hub-"));
  hub = await startHubServer(id, files);
});
afterEach(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});
const download = (options: Partial<Parameters<typeof downloadModel>[0]> = {}) =>
  downloadModel({ id, endpoint: hub.endpoint, folder, pauseMs: 1, ...options });
const fetched = (name: string) => hub.requests.filter((line) => line.includes(name));

describe("download", () => {
  it("gives a model folder that reads", async () => {
    await download();
    expect((await readdir(folder)).sort()).toEqual([...model.keys()].sort());
    const read = await readModelFolder(diskFolder(folder));
    expect(read.config).toMatchObject({ net: "mlp", labels: ["a", "b"] });
    expect(await read.weights.tensors.get("fc.weight")!.read()).toEqual(weights);
  });

  it("fetches nothing that is there and right", async () => {
    await download();
    const before = hub.requests.length;
    await download();
    expect(hub.requests.slice(before).every((line) => line.includes("/api/models/"))).toBe(true);
  });

  it("goes on where the connection broke, within a call and in a later one", async () => {
    hub.breakAfter = 8000;
    await expect(download({ attempts: 2 })).rejects.toThrow(/in 2 tries .* run it again to go on/);
    const part = (await readdir(folder)).find((name) => name.endsWith(".incomplete"))!;
    expect((await readFile(join(folder, part))).length).toBe(16000);
    await download();
    expect(fetched("/storage/model.safetensors")).toEqual([
      "GET /storage/model.safetensors",
      "GET /storage/model.safetensors bytes=8000-",
      "GET /storage/model.safetensors bytes=16000-",
    ]);
    const read = await readModelFolder(diskFolder(folder));
    expect(await read.weights.tensors.get("fc.weight")!.read()).toEqual(weights);
  });

  it("begins again at a server that knows no ranges", async () => {
    hub.ranges = false;
    hub.breakAfter = 8000;
    await expect(download({ attempts: 2 })).rejects.toThrow(/tries/);
    hub.breakAfter = undefined;
    await download();
    await readModelFolder(diskFolder(folder));
  });

  it("replaces a file whose checksum is wrong, and throws away a wrong rest", async () => {
    await download();
    const path = join(folder, "config.json");
    await writeFile(path, (await readFile(path, "utf8")).replace("mlp", "mpl"));
    await download();
    expect(await readFile(path, "utf8")).toContain("mlp");
    await rm(join(folder, "model.safetensors"));
    hub.breakAfter = 8000;
    await expect(download({ attempts: 1 })).rejects.toThrow();
    const part = join(
      folder,
      (await readdir(folder)).find((name) => name.endsWith(".incomplete"))!,
    );
    await writeFile(part, new Uint8Array(8000));
    hub.breakAfter = undefined;
    await expect(download()).rejects.toThrow(/checksum .* thrown away/);
    await download();
    await readModelFolder(diskFolder(folder));
  });

  it("tells how far it is", async () => {
    const seen: number[] = [];
    await download({
      onProgress: ({ path, receivedBytes, sizeBytes }) => {
        if (path === "model.safetensors") seen.push(receivedBytes / sizeBytes);
      },
    });
    expect(seen.at(-1)).toBe(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });

  it("stops when told to", async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(download({ signal: controller.signal })).rejects.toThrow(/abort/i);
  });

  it("sends the token to the hub, not to where it redirects", async () => {
    await hub.close();
    hub = await startHubServer(id, files, { token: "secret" });
    await expect(download()).rejects.toThrow(/status 401 .*give a token/);
    await download({ token: "secret" });
    await readModelFolder(diskFolder(folder));
  });

  it("can fetch other files", async () => {
    await download({ select: (all) => all.filter(({ path }) => path.startsWith("notes/")) });
    expect(await readdir(join(folder, "notes"))).toEqual(["big.txt"]);
  });

  it("says what is wrong with an id, an endpoint or a server that is not there", async () => {
    await expect(download({ id: "../../etc" })).rejects.toThrow(/no id of a model/);
    await expect(download({ endpoint: "ftp://x" })).rejects.toThrow(/endpoint "ftp:/);
    await expect(download({ id: "tests/other" })).rejects.toThrow(/status 404/);
  });
});

describe("hostile servers", () => {
  const against = async (list: (entries: unknown[]) => unknown) => {
    await hub.close();
    hub = await startHubServer(id, files, { list });
    return download();
  };
  const file = { type: "file", path: "config.json", size: 1, oid: "0" };

  it("cannot name a path outside the folder", async () => {
    await expect(against(() => [{ ...file, path: "../config.json" }])).rejects.toThrow(
      /not a path inside the folder/,
    );
  });
  it("cannot send more than they said", async () => {
    await expect(against(() => [file])).rejects.toThrow(/more than the 1 bytes/);
  });
  it("cannot answer with something else", async () => {
    await expect(against(() => ({ error: "x" }))).rejects.toThrow(/not a list of files/);
  });
  it("cannot have a list without files", async () => {
    await expect(against(() => [])).rejects.toThrow(/no file that is needed/);
  });
  it("cannot send the list on to another host", async () => {
    await hub.close();
    const real = await startHubServer(id, files);
    hub = real;
    const through = real.endpoint.replace("127.0.0.1", "localhost");
    await expect(listHubFiles({ id, endpoint: through })).rejects.toThrow(/goes on elsewhere/);
  });
});

describe("writeFiles", () => {
  it("writes below its folder only", async () => {
    await expect(writeFiles(folder, new Map([["../x", "y"]]))).rejects.toThrow(FormatError);
    expect(await writeFiles(folder, new Map([["a/b.txt", "c"]]))).toEqual([
      join(folder, "a/b.txt"),
    ]);
    expect(await readFile(join(folder, "a/b.txt"), "utf8")).toBe("c");
    expect(await readdir(join(folder, "a"))).toEqual(["b.txt"]);
  });
});
