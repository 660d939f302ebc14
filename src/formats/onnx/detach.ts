import { create } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from "./proto/messages.generated.ts";

/** The `location` of weights that a model was written without: they are kept beside it, under their names. */
const location = "model.safetensors";

/** A tensor of that name and type without its numbers. */
export function detached({ name, dims, dataType }: TensorProto, shape = dims): TensorProto {
  const entry = create(StringStringEntryProtoSchema, { key: "location", value: location });
  return create(TensorProtoSchema, {
    name,
    dims: [...shape],
    dataType,
    dataLocation: 1,
    externalData: [entry],
  });
}

/** Whether a tensor was written without its numbers. */
export function isDetached({ externalData }: TensorProto): boolean {
  return externalData.some(({ key, value }) => key === "location" && value === location);
}

/** A model of the same nodes with other initializers, without what only tools read. */
export function withInitializers(
  model: ModelProto,
  change: (tensor: TensorProto) => TensorProto,
): ModelProto {
  const { node = [], input = [], output = [], initializer = [], name = "" } = model.graph ?? {};
  return create(ModelProtoSchema, {
    irVersion: model.irVersion,
    opsetImport: model.opsetImport,
    graph: create(GraphProtoSchema, {
      name,
      node,
      input,
      output,
      initializer: initializer.map(change),
    }),
  });
}
