export { type Accuracy, accuracy, topClasses, topKAccuracy } from "./accuracy.ts";
export { type Calibration, calibration, type ReliabilityBin } from "./calibration.ts";
export {
  type AverageScores,
  type ClassReport,
  type ClassScores,
  type ConfusionMatrix,
  classReport,
  confusionMatrix,
} from "./confusion.ts";
export { logLoss } from "./logLoss.ts";
export { normalQuantile } from "./normalQuantile.ts";
export { wilsonInterval } from "./wilsonInterval.ts";
