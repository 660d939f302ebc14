export { parseBoundedJson } from "./boundedJson.ts";
export { type ByteSource, blobSource, bytesSource } from "./byteSource.ts";
export {
  type CaffeLayer,
  type CaffeNet,
  layersOfPhase,
  parseCaffeNet,
  readCaffeNet,
} from "./caffe/net.ts";
export { readCaffeMean, readCaffemodel } from "./caffe/weights.ts";
export type { ElementType } from "./elementType.ts";
export { type FileFolder, memoryFolder } from "./fileFolder.ts";
export { readHdf5 } from "./hdf5/read.ts";
export { encodeModelCard, type ModelCard, parseModelCard } from "./huggingface/modelCard.ts";
export {
  encodeModelConfig,
  type ForeignConfig,
  type ModelConfig,
  parseForeignConfig,
  parseModelConfig,
} from "./huggingface/modelConfig.ts";
export {
  encodeModelFolder,
  type ModelFolder,
  modelFiles,
  readForeignFolder,
  readModelFolder,
} from "./huggingface/modelFolder.ts";
export {
  encodePreprocessing,
  type ImagePreprocessing,
  parsePreprocessing,
  parseTimmPreprocessing,
} from "./huggingface/preprocessing.ts";
export { type KerasLayer, type KerasNet, parseKerasConfig } from "./keras/config.ts";
export { type KerasDescription, netFromKeras } from "./keras/netFromKeras.ts";
export { type KerasFile, readKeras } from "./keras/read.ts";
export { type TorchWeightsOptions, torchWeights } from "./keras/torchWeights.ts";
export { matchTensors, type TensorMatch } from "./matchTensors.ts";
export { readNpy, writeNpy } from "./npz/npy.ts";
export { readNpz, writeNpz } from "./npz/npz.ts";
export {
  type ImportedGraph,
  type ImportedInput,
  type ImportedOutput,
  type ImportOptions,
  importGraph,
} from "./onnx/importGraph.ts";
export { netFromOnnx, type OnnxNetOptions } from "./onnx/onnxNet.ts";
export { encodeModel as encodeOnnx, readModel as readOnnx } from "./onnx/proto/model.ts";
export { exportGraph, type OnnxExport } from "./onnx/write/exportGraph.ts";
export {
  detectWeightFormat,
  type OpenedWeights,
  type OpenWeightsOptions,
  openWeights,
  type WeightFormat,
  weightFormats,
} from "./openWeights.ts";
export { readSafetensors } from "./safetensors/read.ts";
export { safetensorsChunks, writeSafetensors } from "./safetensors/write.ts";
export { readEvents } from "./tensorboard/read.ts";
export {
  type EventImage,
  type EventTime,
  eventFileStart,
  imageRecord,
  scalarsRecord,
  textRecord,
} from "./tensorboard/write.ts";
export {
  type HostTensor,
  readTensors,
  type StoredTensor,
  stripPrefix,
  type TensorFile,
  type WritableTensor,
  type WritableTensors,
} from "./tensorFile.ts";
export { readTfjs, type TfjsModel } from "./tfjs/read.ts";
export { type TfjsOptions, writeTfjs } from "./tfjs/write.ts";
export { readTorch, type TorchOptions } from "./torch/read.ts";
export { writeTorch } from "./torch/write.ts";
