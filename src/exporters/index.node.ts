import type { Exporter } from "./exporter.ts";
import { htmlExporter } from "./html.node.ts";
import { onnxExporter } from "./onnx.ts";
import { tfjsExporter } from "./tfjs.ts";
import { safetensorsExporter, torchExporter } from "./weightFiles.ts";

/** Every form in which a model is handed over. */
export const exporters = {
  onnx: onnxExporter,
  safetensors: safetensorsExporter,
  torch: torchExporter,
  tfjs: tfjsExporter,
  html: htmlExporter,
} as const satisfies Record<string, Exporter>;

export type ExportFormat = keyof typeof exporters;
