/** How an image becomes what published weights were trained on; what is left out has the usual value. */
export interface PublishedPreprocessing {
  /** `(pixel · scale − mean)/std`, in the order of `channelOrder`. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Default 1/255. */
  readonly scale?: number;
  /** Default `rgb`. */
  readonly channelOrder?: "rgb" | "bgr";
  /** Size that is cut ÷ size that is covered. Default 1. */
  readonly cropRatio?: number;
  /** Default `bilinear`. */
  readonly filter?: "bilinear" | "bicubic";
}

/** Weights that others published for a net: a row of its family's table. */
export interface PublishedWeights {
  readonly net: string;
  readonly variant: string;
  /** Whose names and preprocessing they have: `torchvision`, `timm`, `caffe`, `keras`, …. */
  readonly origin: string;
  /** Id on the Hugging Face hub, where they are there. */
  readonly hub?: string;
  readonly preprocessing: PublishedPreprocessing;
  /** What was published about them, and by whom. */
  readonly accuracy: string;
  /** Names of the classes, where they are few. */
  readonly labels?: readonly string[];
  /** Our name of a layer that is called so there; `undefined` for layers that are none of the net's. Default: the same. */
  rename?(layer: string): string | undefined;
}

/** torchvision's and timm's usual: mean and deviation of ImageNet's training images, 224 of 256. */
export const imagenetPreprocessing: PublishedPreprocessing = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  cropRatio: 0.875,
};

/** torchvision's first weights for a net under its own names, which timm has on the hub; `top1` in percent. */
export function torchvisionWeights(net: string, top1: number): PublishedWeights {
  return {
    net,
    variant: "torchvision",
    origin: "torchvision",
    hub: `timm/${net}.tv_in1k`,
    preprocessing: imagenetPreprocessing,
    accuracy: `top-1 ${top1} % on ImageNet (torchvision)`,
  };
}

/** Caffe's usual for ImageNet: blue first, values to 255, the mean of each channel taken away. */
export const caffePreprocessing: PublishedPreprocessing = {
  mean: [104, 117, 123],
  std: [1, 1, 1],
  scale: 1,
  channelOrder: "bgr",
  cropRatio: 0.875,
};

/** That of Keras's VGG and ResNet: as Caffe's, of other means. Source: `imagenet_utils.preprocess_input`, mode "caffe". */
export const kerasCaffePreprocessing: PublishedPreprocessing = {
  ...caffePreprocessing,
  mean: [103.939, 116.779, 123.68],
};

/** That of Keras's MobileNet and most of its other nets: from −1 to 1. Mode "tf". */
export const kerasPreprocessing: PublishedPreprocessing = {
  mean: [1, 1, 1],
  std: [1, 1, 1],
  scale: 1 / 127.5,
  cropRatio: 0.875,
};

/** Keras's own, whose layers `rename` calls by our names; `accuracy` as Keras gives it. */
export function kerasWeights(
  net: string,
  variant: string,
  accuracy: string,
  rename: NonNullable<PublishedWeights["rename"]>,
): PublishedWeights {
  return {
    net,
    variant,
    origin: "keras",
    preprocessing: kerasCaffePreprocessing,
    accuracy: `${accuracy} on ImageNet (Keras)`,
    rename,
  };
}

export const cifar10Labels: readonly string[] = [
  "airplane",
  "automobile",
  "bird",
  "cat",
  "deer",
  "dog",
  "frog",
  "horse",
  "ship",
  "truck",
];
