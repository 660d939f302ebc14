import { createNet, type Net } from "../../src/models/index.ts";

/** Arguments of torchvision's constructors. */
export interface NetworkOptions {
  readonly num_classes?: number;
  readonly aux_logits?: boolean;
}

/** Our net and variant for a constructor of torchvision: `squeezenet1_1` is `squeezenet`, variant `1.1`. */
function nameOf(architecture: string): { readonly name: string; readonly variant?: string } {
  const squeezenet = /^squeezenet(\d)_(\d)$/.exec(architecture);
  if (squeezenet !== null) {
    return { name: "squeezenet", variant: `${squeezenet[1]}.${squeezenet[2]}` };
  }
  const convnext = /^convnext_(.+)$/.exec(architecture);
  if (convnext !== null) return { name: "convnext", variant: convnext[1]! };
  if (["alexnet", "googlenet"].includes(architecture)) {
    return { name: architecture, variant: "torchvision" };
  }
  return { name: architecture };
}

/** The net that torchvision builds under this name, for images of the given shape. */
export function networkFor(
  architecture: string,
  options: NetworkOptions,
  inputShape: readonly number[],
): Net {
  const { name, variant } = nameOf(architecture);
  const [, channels, height, width] = inputShape as [number, number, number, number];
  return createNet(name, {
    input: [channels, height, width],
    ...(variant === undefined ? {} : { variant }),
    ...(options.num_classes === undefined ? {} : { classes: options.num_classes }),
  });
}
