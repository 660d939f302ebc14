import { isFieldSet, toBinary } from "@bufbuild/protobuf";
import { FormatError } from "../../../core/errors.ts";
import { type ByteSource, readAll } from "../../byteSource.ts";
import { elementTypes } from "../../elementType.ts";
import { decodeMessage } from "../../protobuf/decodeMessage.ts";
import type { StoredTensor, TensorFile } from "../../tensorFile.ts";
import {
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./messages.generated.ts";
import { tensorData, tensorHeader } from "./tensorData.ts";

/** Decodes an ONNX file. Tensors keep views of `bytes`, so it stays in memory as long as they do. */
export function decodeModel(bytes: Uint8Array, where: string): ModelProto {
  const model = decodeMessage(ModelProtoSchema, bytes, where);
  if (!isFieldSet(model, ModelProtoSchema.field.graph)) {
    throw new FormatError(`${where}: no graph; it is no ONNX model.`);
  }
  return model;
}

/** Reads an ONNX file into memory and decodes it. */
export async function readModel(source: ByteSource): Promise<ModelProto> {
  return decodeModel(await readAll(source), source.name);
}

/** Decodes a file that holds one tensor, as ONNX's test data does. */
export function decodeTensor(bytes: Uint8Array, where: string): TensorProto {
  return decodeMessage(TensorProtoSchema, bytes, where);
}

/** The bytes of an ONNX file. Protobuf ends at 2 GiB, so larger models throw a {@link FormatError}. */
export function encodeModel(model: ModelProto): Uint8Array {
  let sizeBytes = 0;
  for (const tensor of model.graph?.initializer ?? []) sizeBytes += tensor.rawData.length;
  if (sizeBytes >= 2 ** 31) {
    throw new FormatError(
      `onnx: ${sizeBytes} bytes of weights; one file holds at most ${2 ** 31 - 1}. Export safetensors instead.`,
    );
  }
  return toBinary(ModelProtoSchema, model);
}

/** The weights of an ONNX model (its initializers) as a tensor file, read when asked for. */
export function modelTensors(model: ModelProto, where: string): TensorFile {
  const tensors = new Map<string, StoredTensor>();
  for (const proto of model.graph?.initializer ?? []) {
    const name = `${where}: initializer "${proto.name}"`;
    if (tensors.has(proto.name)) {
      throw new FormatError(`${name} occurs twice; expected different names.`);
    }
    const { shape, elementType } = tensorHeader(proto, name);
    tensors.set(proto.name, {
      shape,
      elementType,
      dtype: elementTypes[elementType].dtype,
      read: async () => tensorData(proto, name),
    });
  }
  const metadata = Object.fromEntries(model.metadataProps.map(({ key, value }) => [key, value]));
  return { tensors, metadata };
}
