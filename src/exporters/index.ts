import type { Exporter } from "./exporter.ts";
import { onnxExporter } from "./onnx.ts";
import { safetensorsExporter, torchExporter } from "./weightFiles.ts";

/** Every form in which a model is handed over. */
export const exporters = {
  onnx: onnxExporter,
  safetensors: safetensorsExporter,
  torch: torchExporter,
} as const satisfies Record<string, Exporter>;

export type ExportFormat = keyof typeof exporters;
