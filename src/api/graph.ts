/** The subpath `striate/graph`: describe a computation, differentiate it, run it on any backend. */
import { wasm } from "../backends/wasm/backend.ts";
import type { Graph } from "../graph/graph.ts";
import type { Backend, Feeds, Fetches, MemoryReport, Session } from "../plan/backend.ts";

export { gradients } from "../autodiff/backward.ts";
export { reference } from "../backends/reference/backend.ts";
export { type WasmOptions, wasm } from "../backends/wasm/backend.ts";
export type { DType, TensorData } from "../core/dtype.ts";
export type { Shape } from "../core/shape.ts";
export { GraphBuilder, type StateOptions, Value } from "../graph/builder.ts";
export { call, constant, type Expression, input, scalar } from "../graph/expression.ts";
export type { Graph, Node, TensorType } from "../graph/graph.ts";
export { argMax } from "../graph/ops/argMax.ts";
export {
  type AvgPool2dOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  globalAvgPool2d,
} from "../graph/ops/avgPool2d.ts";
export { axisMap, take } from "../graph/ops/axisMap.ts";
export {
  add,
  divide,
  equal,
  less,
  lessEqual,
  maximum,
  minimum,
  multiply,
  power,
  select,
  subtract,
  type Tensorlike,
} from "../graph/ops/binary.ts";
export { broadcastTo } from "../graph/ops/broadcast.ts";
export { concat } from "../graph/ops/concat.ts";
export {
  type Conv2dOptions,
  type ConvTranspose2dOptions,
  conv2d,
  convTranspose2d,
} from "../graph/ops/conv2d.ts";
export { elementwise } from "../graph/ops/elementwise.ts";
export { type MatmulOptions, matmul } from "../graph/ops/matmul.ts";
export { adaptiveMaxPool2d, maxPool2d, maxPool2dWithSwitches } from "../graph/ops/maxPool2d.ts";
export { moments } from "../graph/ops/moments.ts";
export { oneHot } from "../graph/ops/oneHot.ts";
export { type PadMode, pad, padConstant } from "../graph/ops/pad.ts";
export { randomKeyInput, randomUniform } from "../graph/ops/random.ts";
export {
  type ReduceOptions,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceProduct,
  reduceSum,
} from "../graph/ops/reduce.ts";
export { flatten, reshape } from "../graph/ops/reshape.ts";
export { slice, split } from "../graph/ops/slice.ts";
export { logSoftmax, softmax } from "../graph/ops/softmax.ts";
export { transpose } from "../graph/ops/transpose.ts";
export {
  abs,
  exp,
  log,
  relu,
  sigmoid,
  sqrt,
  square,
  stopGradient,
  tanh,
  type UnaryName,
  type UnaryParameters,
  unary,
  unaryFunctions,
} from "../graph/ops/unary.ts";
export type { PoolOptions } from "../graph/poolWindows.ts";
export { print } from "../graph/print.ts";
export { verify } from "../graph/verify.ts";
export type { Fit, Padding, Pair } from "../graph/window.ts";
export type { Backend, Feeds, Fetches, MemoryReport, Program, Session } from "../plan/backend.ts";

/** A graph made ready, with an engine of its own. */
export interface CompiledProgram {
  readonly graph: Graph;
  readonly memory: MemoryReport;
  /** The engine that holds the states; more graphs over the same states can be compiled there. */
  readonly session: Session;
  run(feeds: Feeds): Promise<Fetches>;
  /** Frees threads and memory. */
  close(): Promise<void>;
}

/**
 * Makes a graph ready to run, on WebAssembly unless told otherwise.
 *
 * @example
 * const builder = new GraphBuilder();
 * builder.output("y", relu(builder.input("x", [3])));
 * const program = await compile(builder.finish());
 * const { y } = await program.run({ x: Float32Array.of(-1, 0, 2) }); // [0, 0, 2]
 * await program.close();
 */
export async function compile(graph: Graph, backend: Backend = wasm()): Promise<CompiledProgram> {
  const session = await backend.open();
  const { graph: final, memory, run } = await session.compile(graph);
  return { graph: final, memory, session, run, close: () => session.close() };
}
