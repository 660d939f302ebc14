export type {
  Augmentation,
  AugmentationKind,
  BatchAugmentation,
  BatchLayout,
} from "./augment/augmentation.ts";
export * from "./augment/index.ts";
export {
  type AugmentationPlan,
  type AugmentationSpec,
  parseAugmentations,
} from "./augment/parse.ts";
export { type Batch, type Batches, type BatchOptions, createBatches } from "./batches/batches.ts";
export { type MemoryImages, memoryBatches } from "./batches/memoryBatches.ts";
export { epochOrder, type Sampling, samplings } from "./batches/order.ts";
export {
  type CheckOptions,
  checkData,
  type DataReport,
  type Problem,
  type ProblemKind,
  problemKinds,
} from "./check/checkData.ts";
export { type LabelIssue, rankLabelErrors } from "./check/labelErrors.ts";
export { type CodecModules, type Codecs, createCodecs } from "./decode/codecs.ts";
export { type CodecUrls, webCodecs } from "./decode/codecs.web.ts";
export { centerCrop, crop, pad } from "./decode/crop.ts";
export { type DecodedImage, type DecodeOptions, decodeImage, white } from "./decode/decodeImage.ts";
export { encodePng } from "./decode/encodePng.ts";
export type { PhotoFacts } from "./decode/exif.ts";
export { type ImageFormat, imageExtensions, sniffFormat } from "./decode/format.ts";
export { type DecodeLimits, defaultMaxBytes, defaultMaxPixels } from "./decode/limits.ts";
export { createPixels, type Pixels, toColor, toGrey, withChannels } from "./decode/pixels.ts";
export { type Box, type FilterName, filterNames, resize } from "./decode/resize.ts";
export type { Color } from "./decode/rgba.ts";
export {
  type BrowserFile,
  browserFiles,
  type FileEntry,
  type FileTree,
  memoryFiles,
} from "./fileTree.ts";
export { openFolder } from "./imageFolder.ts";
export {
  checkTrainable,
  countClasses,
  createDataSet,
  type DataItem,
  type DataSet,
  type DataSetDescription,
  type ImageSource,
  type NamedItem,
  type SplitName,
  selectItems,
  splitNames,
} from "./manifest.ts";
export { compareNatural } from "./naturalOrder.ts";
export { openFiles } from "./openFiles.ts";
export type { ContentFacts, ImageFacts } from "./prepare/facts.ts";
export { type Geometry, toInput, toStored } from "./prepare/geometry.ts";
export {
  type BadFile,
  type PreparedSet,
  type PrepareOptions,
  prepareImages,
} from "./prepare/prepareImages.ts";
export { type PreparedImage, type PrepareSettings, sha256Hex } from "./prepare/prepareOne.ts";
export { inlinePreparer, type Preparer } from "./prepare/preparer.ts";
export { type ContactSheetOptions, contactSheet } from "./preview/contactSheet.ts";
export { type PublicSet, publicSets, type SetFile } from "./sets/catalog.ts";
export { drawSample, type SampleOptions, sampleClasses, sampleData } from "./sets/sample.ts";
export {
  findGroups,
  type GroupOptions,
  type GroupReason,
  type Groups,
  manifestGroups,
} from "./split/groups.ts";
export { type DuplicatePair, findNearDuplicates } from "./split/nearDuplicates.ts";
export {
  leakedItems,
  makeFolds,
  naiveSplit,
  type Split,
  type SplitOptions,
  splitData,
} from "./split/splitData.ts";
export { formatSplit, parseSplit } from "./split/splitFile.ts";
