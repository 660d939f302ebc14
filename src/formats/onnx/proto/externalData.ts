import { FormatError } from "../../../core/errors.ts";
import type { ByteSource } from "../../byteSource.ts";
import type { FileFolder } from "../../fileFolder.ts";
import type { AttributeProto, GraphProto, ModelProto, TensorProto } from "./messages.generated.ts";
import { tensorHeader } from "./tensorData.ts";

/**
 * Reads the numbers that a model keeps in files beside it, and puts them into the tensors of
 * `model` as `raw_data`. A location that leads out of the folder is refused by the folder; tensors
 * that together claim more bytes than the files have are refused here, so that a small model cannot
 * have one large file read a thousand times.
 */
export async function loadExternalData(
  model: ModelProto,
  folder: FileFolder,
  where: string,
): Promise<void> {
  const files = new Map<string, ByteSource>();
  let claimed = 0;
  let available = 0;
  for (const tensor of graphTensors(model.graph)) {
    const name = `${where}: tensor "${tensor.name}"`;
    const { sizeBytes, isExternal } = tensorHeader(tensor, name);
    if (!isExternal) continue;
    const { location, offset } = externalRange(tensor, sizeBytes, name);
    let file = files.get(location);
    if (file === undefined) {
      file = await folder.open(location);
      files.set(location, file);
      available += file.sizeBytes;
    }
    claimed += sizeBytes;
    if (claimed > available) {
      throw new FormatError(
        `${name}: the tensors so far claim ${claimed} bytes of external data; the files have ${available}.`,
      );
    }
    tensor.rawData = await file.read(offset, sizeBytes);
    tensor.dataLocation = 0;
    tensor.externalData = [];
  }
}

function externalRange(
  tensor: TensorProto,
  sizeBytes: number,
  where: string,
): { location: string; offset: number } {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const location = entries.get("location");
  if (location === undefined) {
    throw new FormatError(`${where}: external data without a "location"; expected a file name.`);
  }
  const offset = wholeNumber(entries.get("offset") ?? "0", `${where}: offset`);
  const length = wholeNumber(entries.get("length") ?? String(sizeBytes), `${where}: length`);
  if (length !== sizeBytes) {
    throw new FormatError(
      `${where}: ${length} bytes in "${location}"; its shape and type take ${sizeBytes}.`,
    );
  }
  return { location, offset };
}

function wholeNumber(text: string, where: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new FormatError(
      `${where} is ${JSON.stringify(text.slice(0, 40))}; expected a whole number.`,
    );
  }
  return value;
}

/** Every tensor of a graph: initializers and attributes, in subgraphs too. */
function* graphTensors(graph: GraphProto | undefined): Generator<TensorProto> {
  if (graph === undefined) return;
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const attribute of node.attribute) yield* attributeTensors(attribute);
  }
}

function* attributeTensors(attribute: AttributeProto): Generator<TensorProto> {
  if (attribute.t !== undefined) yield attribute.t;
  yield* attribute.tensors;
  yield* graphTensors(attribute.g);
  for (const graph of attribute.graphs) yield* graphTensors(graph);
}
