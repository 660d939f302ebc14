import { FormatError, UnsupportedError } from "../../core/errors.ts";
import { type ByteSource, sliceSource } from "../byteSource.ts";
import { elementTypes } from "../elementType.ts";
import type { TensorFile } from "../tensorFile.ts";
import { openZip, type ZipArchive } from "../zip/read.ts";
import { isKind, type PickleValue } from "./pickleValue.ts";
import { type StorageTable, selectStateDict } from "./stateDict.ts";
import { type Unpickled, unpickle } from "./unpickle.ts";

/** Which part of a checkpoint to read. */
export interface TorchOptions {
  /**
   * The entry that holds the state dict (`state_dict`, `model_ema`). By default the file itself if
   * it holds tensors, or else the entry with a usual name, or else the only one with tensors.
   */
  readonly key?: string;
}

/** Pickles are read whole; the numbers lie outside of them. */
const maxPickleBytes = 2 ** 26;
/** The long integer that opens the format before PyTorch 1.6. */
const legacyMagic = 0x1950a86a20f9469cfc6cn;

/**
 * Opens a PyTorch checkpoint (`.pt`, `.pth`, `.th`, `.bin`): the zip format of PyTorch 1.6 and later,
 * or the one before it. Tensors stay in the file until they are read; other entries that are
 * numbers or texts (`epoch`, `best_prec1`) become metadata.
 *
 * Nothing in the file is executed; see {@link unpickle}. Pickled modules, TorchScript, quantised
 * and sparse tensors are refused with a message that says so.
 *
 * Source: `torch/serialization.py` of PyTorch 1.13.
 *
 * @example
 * const file = await readTorch(bytesSource(bytes, "resnet20.th"));
 * const tensors = stripPrefix(file.tensors, "module.");
 */
export async function readTorch(
  source: ByteSource,
  options: TorchOptions = {},
): Promise<TensorFile> {
  const start = await source.read(0, Math.min(4, source.sizeBytes));
  const isZip = start[0] === 0x50 && start[1] === 0x4b;
  const { root, storages } = isZip ? await readZipFormat(source) : await readLegacyFormat(source);
  return selectStateDict(root, storages, source.name, options.key);
}

interface Checkpoint {
  readonly root: PickleValue;
  readonly storages: StorageTable;
}

async function readZipFormat(source: ByteSource): Promise<Checkpoint> {
  const archive = await openZip(source);
  const pickle = [...archive.entries.values()].find(({ name }) => /^[^/]*\/data\.pkl$/.test(name));
  if (pickle === undefined) {
    throw new FormatError(
      `${source.name}: a zip archive without "data.pkl"; it is no PyTorch checkpoint.`,
    );
  }
  const prefix = pickle.name.slice(0, -"data.pkl".length);
  if (archive.entries.has(`${prefix}constants.pkl`)) {
    throw new UnsupportedError(
      `${source.name}: a TorchScript archive; save model.state_dict() instead.`,
    );
  }
  checkPickleSize(pickle.sizeBytes, source.name);
  await checkByteOrder(archive, prefix);
  const { value } = unpickle(await archive.read(pickle), 0, source.name);
  const storages: StorageTable = async (key) => {
    const entry = archive.entries.get(`${prefix}data/${key}`);
    if (entry === undefined) {
      throw new FormatError(`${source.name}: storage "${key}" is not in the archive.`);
    }
    return archive.open(entry);
  };
  return { root: value, storages };
}

async function checkByteOrder(archive: ZipArchive, prefix: string): Promise<void> {
  const entry = archive.entries.get(`${prefix}byteorder`);
  if (entry === undefined || entry.sizeBytes > 16) return;
  const order = new TextDecoder().decode(await archive.read(entry));
  if (order !== "little") {
    throw new UnsupportedError(`${archive.name}: byte order "${order}"; only "little" is read.`);
  }
}

/**
 * Before PyTorch 1.6: pickles of a magic number, a version, facts about the machine, the object and
 * the order of the storages, then each storage as its length and its numbers.
 */
async function readLegacyFormat(source: ByteSource): Promise<Checkpoint> {
  const bytes = await source.read(0, Math.min(source.sizeBytes, maxPickleBytes));
  const next = (previous: Unpickled): Unpickled => unpickle(bytes, previous.end, source.name);
  const magic = unpickle(bytes, 0, source.name);
  if (magic.value !== legacyMagic) {
    throw new FormatError(
      `${source.name}: neither a zip archive nor the magic number of an old checkpoint; it is no PyTorch file.`,
    );
  }
  const version = next(magic);
  if (version.value !== 1001) {
    throw new UnsupportedError(`${source.name}: version ${String(version.value)}; 1001 is read.`);
  }
  const machine = next(version);
  if (isKind(machine.value, "dict") && machine.value.entries.get("little_endian") === false) {
    throw new UnsupportedError(`${source.name}: written on a big-endian machine.`);
  }
  const root = next(machine);
  const order = next(root);
  const places = await legacyStorages(source, root, order);
  const storages: StorageTable = async (key) => {
    const place = places.get(key);
    if (place === undefined) {
      throw new FormatError(`${source.name}: storage "${key}" is not in the file.`);
    }
    return place;
  };
  return { root: root.value, storages };
}

async function legacyStorages(
  source: ByteSource,
  root: Unpickled,
  order: Unpickled,
): Promise<Map<string, ByteSource>> {
  const places = new Map<string, ByteSource>();
  let position = order.end;
  for (const key of isKind(order.value, "list") ? order.value.items : []) {
    const storage = typeof key === "string" ? root.storages.get(key) : undefined;
    if (storage === undefined || places.has(storage.key)) {
      throw new FormatError(
        `${source.name}: storage ${String(key).slice(0, 40)} is listed twice or used by no tensor.`,
      );
    }
    const header = await source.read(position, 8);
    const count = Number(new DataView(header.buffer, header.byteOffset).getBigInt64(0, true));
    const width =
      storage.elementType === undefined ? 1 : elementTypes[storage.elementType].sizeBytes;
    const where = `${source.name}: storage "${storage.key}"`;
    places.set(storage.key, sliceSource(source, position + 8, count * width, where));
    position += 8 + count * width;
  }
  return places;
}

function checkPickleSize(sizeBytes: number, file: string): void {
  if (sizeBytes > maxPickleBytes) {
    throw new FormatError(
      `${file}: a pickle of ${sizeBytes} bytes; at most ${maxPickleBytes} are read.`,
    );
  }
}
