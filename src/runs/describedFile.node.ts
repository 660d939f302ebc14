import { readFile } from "node:fs/promises";
import { basename, extname } from "node:path";
import { UnsupportedError } from "../core/errors.ts";
import { parseBoundedJson } from "../formats/boundedJson.ts";
import { readCaffeNet } from "../formats/caffe/net.ts";
import { netFromCaffe } from "../formats/caffe/netFromCaffe.ts";
import { openFile } from "../formats/fileSource.node.ts";
import { type KerasNet, parseKerasConfig } from "../formats/keras/config.ts";
import { netFromKeras } from "../formats/keras/netFromKeras.ts";
import { readKeras } from "../formats/keras/read.ts";
import { netFromOnnx } from "../formats/onnx/onnxNet.ts";
import type { ImageShape, Net } from "../models/index.ts";
import { fromJson, fromKeras } from "./importedNet.node.ts";
import { readOnnx } from "./onnxFile.node.ts";

/** What is asked of the net of a file; what is left out is the file's. */
export interface DescribedFileOptions {
  readonly input?: ImageShape | undefined;
  readonly classes?: number | undefined;
}

/**
 * The net that a file describes: ONNX, Caffe's `.prototxt`, a model of Keras or tensorflow.js, or a net file.
 *
 * @throws UnsupportedError where it describes none.
 */
export async function netOfFile(path: string, options: DescribedFileOptions): Promise<Net> {
  const { input, classes } = options;
  switch (extname(path).toLowerCase()) {
    case ".onnx":
      return netFromOnnx(await readOnnx(path), {
        name: basename(path, extname(path)),
        ...(classes === undefined ? {} : { classes }),
        ...(input === undefined ? {} : { input }),
      });
    case ".prototxt": {
      const { net } = netFromCaffe(await readCaffeNet(await openFile(path)), path, input);
      return fromJson(net, input)(classes);
    }
    case ".json": {
      const json = parseBoundedJson(await readFile(path), path);
      const { modelTopology } = (json ?? {}) as { readonly modelTopology?: unknown };
      if (modelTopology === undefined) return fromJson(json, input)(classes);
      return netOfKeras(parseKerasConfig(modelTopology, path), path, options);
    }
    case ".h5":
    case ".keras": {
      const { net } = await readKeras(await openFile(path));
      if (net !== undefined) return netOfKeras(net, path, options);
    }
  }
  throw new UnsupportedError(
    `"${path}" describes no net; expected a model of ONNX, Keras or tensorflow.js, a .prototxt of Caffe, or a net file (.json). Weights alone fit a net with "striate import ${path} --net NET".`,
  );
}

function netOfKeras(net: KerasNet, path: string, { input, classes }: DescribedFileOptions): Net {
  return fromKeras(netFromKeras(net, path, input), path, input)(classes);
}
