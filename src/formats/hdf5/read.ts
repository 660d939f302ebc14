import { FormatError, UnsupportedError } from "../../core/errors.ts";
import type { ByteSource } from "../byteSource.ts";
import type { StoredTensor } from "../tensorFile.ts";
import { type Hdf5Attribute, readAttribute } from "./attribute.ts";
import type { Cursor } from "./cursor.ts";
import { openDataset } from "./dataset.ts";
import { denseObjects } from "./denseStorage.ts";
import type { FileReader } from "./fileReader.ts";
import { type Link, readLink } from "./link.ts";
import { type HeaderMessage, messageTypes, readObjectHeader } from "./objectHeader.ts";
import { readSuperblock } from "./superblock.ts";
import { readSymbolTable } from "./symbolTable.ts";

/** A group: members in the order they were added where the file keeps that, or by name. */
export interface Hdf5Group {
  readonly kind: "group";
  readonly attributes: ReadonlyMap<string, Hdf5Attribute>;
  readonly members: ReadonlyMap<string, Hdf5Node>;
}

/** What a data set holds: numbers, or the reason why they are not read (texts have neither). */
interface DatasetContent {
  readonly tensor: StoredTensor | undefined;
  readonly obstacle: UnsupportedError | undefined;
}

export interface Hdf5Dataset extends DatasetContent {
  readonly kind: "dataset";
  readonly attributes: ReadonlyMap<string, Hdf5Attribute>;
}

export type Hdf5Node = Hdf5Group | Hdf5Dataset;

const maxDepth = 32;

/**
 * Opens an HDF5 file and reads its tree of groups and attributes; numbers stay in the file until they
 * are read. It covers what h5py and Keras write: both forms of groups, attributes of numbers and
 * texts, contiguous, compact and chunked data, deflate, shuffle and Fletcher-32. Links to other
 * files are never followed.
 *
 * Why this is not the HDF Group's library compiled to WebAssembly: docs/decisions/0201.
 *
 * Source: HDF5 File Format Specification, version 3.0.
 */
export async function readHdf5(source: ByteSource): Promise<Hdf5Group> {
  const { reader, root } = await readSuperblock(source);
  const node = await new TreeReader(reader).node(root, "", 0);
  if (node.kind !== "group") throw new FormatError(`${source.name}: its root is no group.`);
  return node;
}

/** The node at a path like `model_weights/conv1/kernel:0`, if there is one. */
export function nodeAt(group: Hdf5Group, path: string): Hdf5Node | undefined {
  let node: Hdf5Node | undefined = group;
  for (const part of path.split("/")) {
    if (part === "") continue;
    if (node?.kind !== "group") return undefined;
    node = node.members.get(part);
  }
  return node;
}

class TreeReader {
  readonly #reader: FileReader;
  /** Objects by address: one that is linked twice is read once, one inside itself is refused. */
  readonly #nodes = new Map<number, Hdf5Node | "reading">();

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  async node(address: number, path: string, depth: number): Promise<Hdf5Node> {
    const known = this.#nodes.get(address);
    if (known === "reading" || depth > maxDepth) {
      throw new FormatError(
        `${this.#reader.source.name}: group "${path.slice(-200)}" is inside itself or deeper than ${maxDepth} levels.`,
      );
    }
    if (known !== undefined) return known;
    this.#nodes.set(address, "reading");
    const messages = await readObjectHeader(this.#reader, address);
    const attributes = await this.#attributes(messages);
    const isDataset = messages.some(({ type }) => type === messageTypes.layout);
    const node: Hdf5Node = isDataset
      ? { kind: "dataset", attributes, ...(await this.#dataset(messages, path)) }
      : { kind: "group", attributes, members: await this.#members(messages, path, depth) };
    this.#nodes.set(address, node);
    return node;
  }

  async #attributes(messages: readonly HeaderMessage[]): Promise<Map<string, Hdf5Attribute>> {
    const attributes = new Map<string, Hdf5Attribute>();
    for (const { type, content } of messages) {
      if (type === messageTypes.attribute) await this.#attribute(content, attributes);
      if (type !== messageTypes.attributeInfo) continue;
      for await (const object of denseObjects(this.#reader, content, "attributes")) {
        await this.#attribute(object, attributes);
      }
    }
    return attributes;
  }

  async #attribute(content: Cursor, attributes: Map<string, Hdf5Attribute>): Promise<void> {
    const { name, value } = await readAttribute(this.#reader, content);
    if (value !== undefined) attributes.set(name, value);
  }

  async #members(
    messages: readonly HeaderMessage[],
    path: string,
    depth: number,
  ): Promise<Map<string, Hdf5Node>> {
    const links: Link[] = [];
    const add = (link: Link | undefined) => {
      if (link !== undefined) links.push(link);
    };
    for (const { type, content } of messages) {
      if (type === messageTypes.symbolTable) {
        for (const [name, address] of await readSymbolTable(this.#reader, content)) {
          links.push({ name, address, order: 0 });
        }
      } else if (type === messageTypes.link) {
        add(readLink(content));
      } else if (type === messageTypes.linkInfo) {
        for await (const object of denseObjects(this.#reader, content, "links")) {
          add(readLink(object));
        }
      }
    }
    links.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
    const members = new Map<string, Hdf5Node>();
    for (const { name, address } of links) {
      members.set(name, await this.node(address, `${path}/${name}`, depth + 1));
    }
    return members;
  }

  /** A data set; one of an unsupported form is named as such and does not stand in others' way. */
  async #dataset(messages: readonly HeaderMessage[], path: string): Promise<DatasetContent> {
    try {
      return { tensor: await openDataset(this.#reader, messages, path), obstacle: undefined };
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      return { tensor: undefined, obstacle: error };
    }
  }
}
