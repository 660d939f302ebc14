import { createReadStream } from "node:fs";
import {
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { createGunzip } from "node:zlib";
import { DataError, lookUp } from "../../core/errors.ts";
import { type PublicSet, publicSets } from "./catalog.ts";
import { type DownloadOptions, downloadFile, fileName } from "./download.node.ts";
import { readMatFile } from "./matFile.ts";
import { readTar } from "./tar.ts";

export interface GetOptions extends DownloadOptions {
  /** Where the set goes, as a folder that `openData` opens. */
  readonly folder: string;
  /** Another table of sets than the public ones. */
  readonly sets?: Readonly<Record<string, PublicSet>>;
}

export interface GetResult {
  readonly folder: string;
  /** False when it was there already. */
  readonly fetched: boolean;
  readonly set: PublicSet;
}

const marker = "source.json";

/**
 * Fetches a public data set into a folder. Everything is made in `<folder>.part`, which an interrupted
 * run leaves for the next one to go on with; the folder appears when all checksums agree and
 * everything is unpacked.
 *
 * @throws OptionError for an unknown name, with the known ones.
 * @throws DataError when the folder holds something else, or the files cannot be had.
 */
export async function getData(name: string, options: GetOptions): Promise<GetResult> {
  const table: Readonly<Record<string, PublicSet>> = options.sets ?? publicSets;
  const set = lookUp(table, name, "data set");
  const { folder } = options;
  if (await isThere(name, folder)) return { folder, fetched: false, set };
  const staging = `${folder}.part`;
  await mkdir(staging, { recursive: true });
  for (const file of set.files) {
    await downloadFile(file, join(staging, fileName(file)), options);
  }
  await layOut(set, staging);
  const source = {
    name,
    home: set.home,
    licence: set.licence,
    files: set.files.map(({ url, sha256 }) => ({ url, sha256 })),
  };
  await writeFile(join(staging, marker), `${JSON.stringify(source, null, 2)}\n`);
  await rename(staging, folder);
  return { folder, fetched: true, set };
}

async function isThere(name: string, folder: string): Promise<boolean> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return false;
  const text = await readFile(join(folder, marker), "utf8").catch(() => undefined);
  const found = text === undefined ? undefined : (JSON.parse(text) as { name?: string }).name;
  if (found === name) return true;
  throw new DataError(
    `data get ${name}: "${folder}" is there already and ${found === undefined ? "was not made by data get" : `holds "${found}"`}; name another folder with --out.`,
  );
}

async function layOut(set: PublicSet, folder: string): Promise<void> {
  if (set.classes !== undefined) {
    await writeFile(join(folder, "classes.txt"), `${set.classes.join("\n")}\n`);
  }
  if (set.layout === "files") return;
  const archive = join(folder, fileName(set.files[0]!));
  await unpack(archive, folder);
  if (set.layout === "flowers") await writeFlowersManifest(set, folder);
  await rm(archive);
}

async function unpack(archive: string, folder: string): Promise<void> {
  let file: FileHandle | undefined;
  const stream = createReadStream(archive).pipe(createGunzip());
  try {
    await readTar(
      stream,
      {
        async begin(path) {
          // Archives wrap their files into a folder of their own; the set's folder replaces it.
          const target = join(
            folder,
            path.includes("/") ? path.slice(path.indexOf("/") + 1) : path,
          );
          await mkdir(dirname(target), { recursive: true });
          file = await open(target, "w");
        },
        async write(piece) {
          await file!.writeFile(piece);
        },
        async end() {
          await file!.close();
          file = undefined;
        },
      },
      archive,
    );
  } finally {
    await file?.close();
    stream.destroy();
  }
}

// Labels and parts of the flowers are MATLAB matrices; a list says the same to everybody.
async function writeFlowersManifest(set: PublicSet, folder: string): Promise<void> {
  const [, labelsName, partsName] = set.files.map(fileName);
  const read = async (name: string): Promise<Record<string, number[]>> =>
    readMatFile(new Uint8Array(await readFile(join(folder, name))), name);
  const { labels = [] } = await read(labelsName!);
  const parts = await read(partsName!);
  const splitOf = new Map<number, string>();
  for (const [matrix, split] of [
    ["trnid", "train"],
    ["valid", "val"],
    ["tstid", "test"],
  ] as const) {
    for (const number of parts[matrix] ?? []) splitOf.set(number, split);
  }
  const lines = labels.map((label, index) => {
    const number = index + 1;
    const file = `image_${String(number).padStart(5, "0")}.jpg`;
    return `${file},${label},${splitOf.get(number) ?? ""}`;
  });
  await writeFile(join(folder, "manifest.csv"), `file,label,split\n${lines.join("\n")}\n`);
  for (const name of [labelsName!, partsName!]) await rm(join(folder, name));
}
