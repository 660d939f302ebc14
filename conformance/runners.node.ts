import type { Backend } from "../src/plan/backend.ts";
import type { CaseResult } from "./comparison.ts";
import { type OnnxRow, runOnnxCase } from "./onnx/runOnnx.node.ts";
import { runTorchCase, type TorchRow } from "./torch/runTorch.node.ts";

/** A family of foreign vectors. */
export interface Runner {
  /** Whether a row of an `INDEX.json` is one of its cases. */
  recognizes(row: object): boolean;
  /** Runs one case. An error it throws fails the case. */
  run(folder: string, row: never, backend: Backend): Promise<CaseResult>;
}

/** Every family that can be run. */
export const runners: Readonly<Record<string, Runner>> = {
  torch: {
    recognizes: (row) => "spec" in row && "kind" in row,
    run: (folder, row: TorchRow, backend) => runTorchCase(folder, row, backend),
  },
  onnx: {
    recognizes: (row) => "opset" in row && "model" in row,
    run: (folder, row: OnnxRow, backend) => runOnnxCase(folder, row, backend),
  },
};
