/**
 * Caffe's layer types of the old form, by their number in a `.caffemodel`, with the name in an old
 * `.prototxt` and the name that replaced both in 2014.
 */
export const v1LayerTypes = [
  ["NONE", ""],
  ["ACCURACY", "Accuracy"],
  ["BNLL", "BNLL"],
  ["CONCAT", "Concat"],
  ["CONVOLUTION", "Convolution"],
  ["DATA", "Data"],
  ["DROPOUT", "Dropout"],
  ["EUCLIDEAN_LOSS", "EuclideanLoss"],
  ["FLATTEN", "Flatten"],
  ["HDF5_DATA", "HDF5Data"],
  ["HDF5_OUTPUT", "HDF5Output"],
  ["IM2COL", "Im2col"],
  ["IMAGE_DATA", "ImageData"],
  ["INFOGAIN_LOSS", "InfogainLoss"],
  ["INNER_PRODUCT", "InnerProduct"],
  ["LRN", "LRN"],
  ["MULTINOMIAL_LOGISTIC_LOSS", "MultinomialLogisticLoss"],
  ["POOLING", "Pooling"],
  ["RELU", "ReLU"],
  ["SIGMOID", "Sigmoid"],
  ["SOFTMAX", "Softmax"],
  ["SOFTMAX_LOSS", "SoftmaxWithLoss"],
  ["SPLIT", "Split"],
  ["TANH", "TanH"],
  ["WINDOW_DATA", "WindowData"],
  ["ELTWISE", "Eltwise"],
  ["POWER", "Power"],
  ["SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss"],
  ["HINGE_LOSS", "HingeLoss"],
  ["MEMORY_DATA", "MemoryData"],
  ["ARGMAX", "ArgMax"],
  ["THRESHOLD", "Threshold"],
  ["DUMMY_DATA", "DummyData"],
  ["SLICE", "Slice"],
  ["MVN", "MVN"],
  ["ABSVAL", "AbsVal"],
  ["SILENCE", "Silence"],
  ["CONTRASTIVE_LOSS", "ContrastiveLoss"],
  ["EXP", "Exp"],
  ["DECONVOLUTION", "Deconvolution"],
] as const satisfies readonly (readonly [string, string])[];

/** The types with weights in the form of 2013, and their names of today. */
export const v0LayerTypes: Readonly<Record<string, string>> = {
  conv: "Convolution",
  innerproduct: "InnerProduct",
};
