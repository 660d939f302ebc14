import { basename, dirname } from "node:path";
import { diskFolder } from "../formats/fileFolder.node.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { loadExternalData } from "../formats/onnx/proto/externalData.ts";
import type { ModelProto } from "../formats/onnx/proto/messages.generated.ts";
import { readModel } from "../formats/onnx/proto/model.ts";

/** Reads an ONNX file, with the numbers that it keeps in files beside it. */
export async function readOnnx(path: string): Promise<ModelProto> {
  const model = await readModel(await openFile(path));
  await loadExternalData(model, diskFolder(dirname(path)), basename(path));
  return model;
}
