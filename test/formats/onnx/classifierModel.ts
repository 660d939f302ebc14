import { RandomStream } from "../../../src/core/random.ts";
import { elementCount, type Shape } from "../../../src/core/shape.ts";
import type { ModelProto } from "../../../src/formats/onnx/proto/messages.generated.ts";
import { floats, integers, makeModel } from "./makeModel.ts";

/** Numbers that let a signal through. */
function drawn(name: string, shape: Shape) {
  const stream = new RandomStream(5, name);
  const size = elementCount(shape);
  return floats(
    Array.from({ length: size }, () => stream.normal() / Math.sqrt(size / shape[0]!)),
    shape,
  );
}

/** A small classifier of 8x8 images as exporters write them: for one image, with shape arithmetic and a softmax. */
export function classifier(): ModelProto {
  return makeModel({
    opset: 13,
    inputs: { image: [1, 3, 8, 8] },
    constants: {
      "conv.weight": drawn("conv", [16, 3, 3, 3]),
      "conv.bias": drawn("bias", [16]),
      "bn.weight": drawn("scale", [16]),
      "bn.bias": drawn("shift", [16]),
      "bn.running_mean": drawn("mean", [16]),
      "bn.running_var": floats(Array.from({ length: 16 }, (_, i) => 0.5 + i / 8)),
      "fc.weight": drawn("fc", [256, 5]),
      "fc.bias": drawn("fc bias", [5]),
      zero: { ...integers(0), shape: [] },
      rest: integers(-1),
      axis: integers(0),
    },
    nodes: [
      {
        op: "Conv",
        inputs: ["image", "conv.weight", "conv.bias"],
        outputs: ["a"],
        attributes: { pads: [1, 1, 1, 1] },
      },
      {
        op: "BatchNormalization",
        inputs: ["a", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"],
        outputs: ["b"],
      },
      { op: "Relu", inputs: ["b"], outputs: ["c"] },
      {
        op: "MaxPool",
        inputs: ["c"],
        outputs: ["d"],
        attributes: { kernel_shape: [2, 2], strides: [2, 2] },
      },
      { op: "Shape", inputs: ["d"], outputs: ["sizes"] },
      { op: "Gather", inputs: ["sizes", "zero"], outputs: ["batch"] },
      { op: "Unsqueeze", inputs: ["batch", "axis"], outputs: ["batchVector"] },
      {
        op: "Concat",
        inputs: ["batchVector", "rest"],
        outputs: ["flat"],
        attributes: { axis: 0 },
      },
      { op: "Reshape", inputs: ["d", "flat"], outputs: ["e"] },
      { op: "MatMul", inputs: ["e", "fc.weight"], outputs: ["f"] },
      { op: "Add", inputs: ["f", "fc.bias"], outputs: ["g"] },
      { op: "Softmax", inputs: ["g"], outputs: ["probabilities"], attributes: { axis: 1 } },
    ],
    outputs: ["probabilities"],
  });
}
