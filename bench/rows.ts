/** The nets whose speed is measured: small enough for two cores, and between them every kind of layer. */
export interface Row {
  readonly net: string;
  readonly variant: string;
  /** Height, width and channels of an image. */
  readonly input: string;
  readonly classes: number;
  readonly batch: number;
  /** As tables call it. */
  readonly title: string;
}

const six: readonly Row[] = [
  row("lenet5", "modern", "32x32x1", 10, 64, "LeNet-5"),
  row("resnet20", "cifar", "32x32x3", 10, 64, "ResNet-20"),
  row("vgg16", "torchvision", "64x64x3", 10, 16, "VGG-16"),
  row("resnet18", "torchvision", "64x64x3", 10, 32, "ResNet-18"),
  row("mobilenet_v1", "1.0", "64x64x3", 10, 32, "MobileNet V1"),
  row("alexnet", "deck", "227x227x3", 10, 8, "AlexNet (deck)"),
];

/** Rows of each mode; inference has two large images more, one at a time. */
export const rowsOf: Readonly<Record<Mode, readonly Row[]>> = {
  train: six,
  infer: [
    ...six,
    row("squeezenet", "1.1", "224x224x3", 1000, 1, "SqueezeNet 1.1"),
    row("resnet18", "torchvision", "224x224x3", 1000, 1, "ResNet-18"),
  ],
};

export type Mode = "train" | "infer";

function row(
  net: string,
  variant: string,
  input: string,
  classes: number,
  batch: number,
  title: string,
): Row {
  return { net, variant, input, classes, batch, title };
}
