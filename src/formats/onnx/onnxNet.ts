import { toBinary } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import { OptionError } from "../../core/errors.ts";
import { elementCount } from "../../core/shape.ts";
import type { ImageShape, Net } from "../../models/net.ts";
import { netFromJson } from "../../models/netFile.ts";
import { findHead } from "./classifier.ts";
import { detached, withInitializers } from "./detach.ts";
import { imageInput, onnxLayer } from "./onnxLayer.ts";
import { type ModelProto, ModelProtoSchema } from "./proto/messages.generated.ts";
import { tensorHeader } from "./proto/tensorData.ts";

/** Options of {@link netFromOnnx}. */
export interface OnnxNetOptions {
  /** What it is called. */
  readonly name: string;
  /** `[C, H, W]`, where the model leaves sizes open. */
  readonly input?: ImageShape;
  /** Where the model has others, its last layer gets weights for as many, which start fresh. */
  readonly classes?: number;
}

/**
 * Initializers of up to this many numbers stay in the description: among them are scales and sizes that shapes depend
 * on. Larger ones are weights.
 */
const maxKeptNumbers = 256;

/**
 * An ONNX classifier as a net that goes wherever one of the catalogue goes. Its description holds the graph; its
 * parameters are the float initializers, by their names (`modelTensors` has their numbers).
 *
 * @throws UnsupportedError for a model that is no classifier of images, or an operator that is not imported.
 * @throws OptionError where the model leaves the size of the images open and none is given.
 * @example
 * const net = netFromOnnx(await readModel(source), { name: "squeezenet" });
 */
export function netFromOnnx(model: ModelProto, options: OnnxNetOptions): Net {
  const { name, classes } = options;
  // A model that nobody decoded may lack it; imageInput then says that there are no inputs.
  const graph = model.graph!;
  const input = options.input ?? imageSize(model);
  const head = findHead(graph);
  const bare = withInitializers(model, (tensor) => {
    const { shape, elementType } = tensorHeader(tensor, `onnx: initializer "${tensor.name}"`);
    const isWeight = elementType.includes("float") && elementCount(shape) > maxKeptNumbers;
    return isWeight ? detached(tensor) : tensor;
  });
  const file = {
    name,
    input,
    layers: {
      layer: "onnx",
      model: base64Encode(toBinary(ModelProtoSchema, bare)),
      ...(head.classes === undefined ? {} : { classes: "$classes" }),
    },
  };
  const wanted = classes ?? head.classes;
  return netFromJson(file, {
    layers: { onnx: onnxLayer },
    ...(wanted === undefined ? {} : { classes: wanted }),
  });
}

/** The size of the images, as the model declares it. */
function imageSize(model: ModelProto): ImageShape {
  const { sizes, channelsLast } = imageInput(model.graph!);
  const [c, h, w] = channelsLast ? [sizes[3], sizes[1], sizes[2]] : sizes.slice(1);
  if (typeof c === "number" && typeof h === "number" && typeof w === "number") return [c, h, w];
  throw new OptionError(
    `onnx: the model takes images of any size ([${sizes.map((size) => size || "?").join(", ")}]); say which, as 224x224x3.`,
  );
}
