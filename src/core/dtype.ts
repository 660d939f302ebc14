/**
 * Element types the engine computes with. Truth values are float32 0 and 1; class indices and max
 * pooling's switches are int32. Wider types of file formats are converted at the border.
 */
export type DType = "float32" | "int32";

/** Numbers of a tensor on the host, row-major in its logical (NCHW) order. */
export type TensorData = Float32Array | Int32Array;

/** Bytes of one element; both types take four. */
export const elementBytes = 4;
