import type { Exporter } from "./exporter.ts";
import { onnxExporter } from "./onnx.ts";

/** Every form in which a model is handed over. */
export const exporters = {
  onnx: onnxExporter,
} as const satisfies Record<string, Exporter>;

export type ExportFormat = keyof typeof exporters;
