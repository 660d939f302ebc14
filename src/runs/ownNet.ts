import { onnxLayer } from "../formats/onnx/onnxLayer.ts";
import { createNet, type ImageShape, type Net, netFromJson, netToJson } from "../models/index.ts";

/** A net as runs and model folders keep it: by name, or, where it is one of one's own, with its description. */
export interface NetDescription {
  readonly name: string;
  readonly variant: string;
  readonly input: ImageShape;
  /** The content of a net file. */
  readonly description?: unknown;
}

/** The variant of every net that is none of the catalogue. */
export const ownVariant = "own";

/** The net, for so many classes. */
export function describedNet(net: NetDescription, classes: number): Net {
  const { name, variant, input, description } = net;
  if (description === undefined) return createNet(name, { variant, input, classes });
  return netFromJson(description, { input, classes, layers: { onnx: onnxLayer } });
}

/** `{ description }` of a net of one's own; nothing for one of the catalogue. */
export function descriptionOf(net: Net): { readonly description?: unknown } {
  return net.variant === ownVariant ? { description: netToJson(net) } : {};
}
