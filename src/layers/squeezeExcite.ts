import { checkOptions, integer, optional } from "../core/fields.ts";
import { multiply } from "../graph/ops/binary.ts";
import { constant } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import { activation, relu } from "./activation.ts";
import { conv2d } from "./conv2d.ts";
import { initializerField, layerField } from "./fields.ts";
import { type Layer, layer } from "./layer.ts";
import { globalAvgPool2d } from "./pooling.ts";

/** Options of {@link squeezeExcite}. */
export interface SqueezeExciteOptions {
  /** Channels in the middle; papers take a quarter (MobileNetV3) or a sixteenth (SENet) of the input's. */
  readonly squeeze: number;
  /** Behind the first 1x1 convolution. Default ReLU. */
  readonly activation?: Layer;
  /** Makes the factors. Default sigmoid, as SENet; MobileNetV3 has the hard sigmoid. */
  readonly gate?: Layer;
  /** Of both convolutions. Default: PyTorch's. */
  readonly weightInitializer?: Initializer;
}

/**
 * A factor for each channel, from the means of all channels: `y = x · gate(fc2(activation(fc1(mean(x)))))`. The shape
 * stays. Names as torchvision. Source: Hu, Shen & Sun 2018, section 3.
 */
export function squeezeExcite(options: SqueezeExciteOptions): Layer {
  checkOptions("squeezeExcite", options, {
    squeeze: integer(1),
    activation: optional(layerField()),
    gate: optional(layerField()),
    weightInitializer: optional(initializerField()),
  });
  const { squeeze, activation: inner = relu(), weightInitializer } = options;
  const gate = options.gate ?? activation({ function: "sigmoid" });
  const drawn =
    weightInitializer === undefined ? {} : { weightInitializer, biasInitializer: constant(0) };
  const product = layer("multiply", {}, ([x, y]) => multiply(x!, y!));
  return layer("squeezeExcite", options, ([x], scope) => {
    const mean = scope.apply("avgpool", globalAvgPool2d({ keepDims: true }), x!);
    const narrow = conv2d({ channels: squeeze, kernel: 1, ...drawn });
    const y = scope.apply("activation", inner, scope.apply("fc1", narrow, mean));
    const wide = conv2d({ channels: x!.shape[1]!, kernel: 1, ...drawn });
    const factors = scope.apply("scale_activation", gate, scope.apply("fc2", wide, y));
    return scope.inline(product, x!, factors);
  });
}
