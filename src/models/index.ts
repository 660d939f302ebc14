export { alexnet } from "./alexnet.ts";
export {
  createNet,
  models,
  netNames,
  publishedWeights,
  variantNames,
} from "./catalogue.ts";
export { convnext, convnextV2 } from "./convnext.ts";
export { convnextFusion } from "./convnextFusion.ts";
export { type CustomNetOptions, customNet } from "./customNet.ts";
export { catalogueDepths, type DepthEntry, depthChart } from "./depthChart.ts";
export { type DrawingOptions, drawNet } from "./drawing.ts";
export { googlenet } from "./googlenet.ts";
export { lenet } from "./lenet.ts";
export { mlp } from "./mlp.ts";
export { mobilenetV1 } from "./mobilenetV1.ts";
export { mobilenetV2 } from "./mobilenetV2.ts";
export { mobilenetV3 } from "./mobilenetV3.ts";
export {
  type ImageShape,
  makeNet,
  type Net,
  type NetFamily,
  type NetLoss,
  type NetOptions,
  type NetTarget,
  type NetVariant,
} from "./net.ts";
export { type NetFileOptions, type NetJson, netFromJson, netToJson } from "./netFile.ts";
export { nin } from "./nin.ts";
export type { PublishedPreprocessing, PublishedWeights } from "./publishedWeights.ts";
export { cifarResnet, resnet } from "./resnet.ts";
export { squeezenet } from "./squeezenet.ts";
export {
  type LayerSummary,
  type NetSummary,
  type Summarizable,
  type SummaryOptions,
  summarize,
  summarizeGraph,
} from "./summary.ts";
export { formatBytes, type SummaryLine, summaryLines, summaryText } from "./summaryText.ts";
export { vgg } from "./vgg.ts";
export { zfnet } from "./zfnet.ts";
