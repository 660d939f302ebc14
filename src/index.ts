/**
 * The main entry: models of the catalogue, training, evaluation, prediction. Data is in `striate/data`, graphs are in
 * `striate/graph`, layers for nets of one's own in `striate/layers`.
 */
export {
  type Classifier,
  createModel,
  type ImagePrediction,
  type Model,
  type ModelOptions,
  openClassifier,
} from "./api/model.ts";
export { evaluate, type TrainedModel, type TrainModelOptions, train } from "./api/training.ts";
export { reference } from "./backends/reference/backend.ts";
export { type WasmOptions, wasm } from "./backends/wasm/backend.ts";
export {
  DataError,
  DeviceError,
  FormatError,
  GraphError,
  OptionError,
  ShapeError,
  StriateError,
  TrainingError,
  UnsupportedError,
} from "./core/errors.ts";
export {
  type CustomNetOptions,
  catalogueDepths,
  createNet,
  customNet,
  type DrawingOptions,
  depthChart,
  drawNet,
  type LayerSummary,
  type Net,
  type NetJson,
  type NetOptions,
  type NetSummary,
  netFromJson,
  netNames,
  netToJson,
  summarize,
  summaryText,
  variantNames,
} from "./models/index.ts";
export * from "./optim/index.ts";
export * from "./optim/schedules/index.ts";
export type { Backend } from "./plan/backend.ts";
export type { MemoryFit } from "./train/fitMemory.ts";
export type { EpochRecord } from "./train/history.ts";
export type { Normalization } from "./train/normalization.ts";
export type { Evaluation } from "./train/predictions.ts";
export type { Estimate } from "./train/runTraining.ts";
export type { Tensor, Tensors } from "./train/trainer.ts";
