import { z } from "zod";
import { exportModel } from "../../exporters/exportModel.node.ts";
import { type ExportFormat, exporters } from "../../exporters/index.node.ts";
import { formatBytes } from "../../models/summaryText.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";

const formats = Object.keys(exporters) as [ExportFormat, ...ExportFormat[]];
const { seed: _, ...computing } = engineOptions;

/** `striate export`: hands a model over, with the proof that it answers the same there. */
export const exportCommand = defineCommand({
  summary: "Hand a model over to another program, with the proof that it answers the same.",
  details: `Images go through our engine and through the other program, from the very bytes that are written; the largest difference is
stated, and the pairs are laid beside the export. Without the run's validation images, synthetic ones are used.
Where the other program is not installed, the export is read back with our own reader, which is said.`,
  arguments: [{ name: "model", description: "folder of a model or of a run" }],
  options: z.object({
    format: z.enum(formats).describe("what to write"),
    out: z
      .string()
      .meta({ placeholder: "PATH" })
      .describe("folder to write to, or a file with the format's ending"),
    preprocessing: z
      .boolean()
      .default(false)
      .describe("onnx: scale, mean and deviation in the graph, which then takes bytes"),
    softmax: z
      .boolean()
      .default(false)
      .describe('onnx: a second output "probabilities" (only "scores" if left out)'),
    images: z.number().int().min(1).max(256).default(8).describe("golden images to check with"),
    overwrite: z.boolean().default(false).describe("replace files that are there"),
    ...computing,
    ...commonOptions,
  }),
  examples: [
    "striate export runs/photos --format onnx --out ship/photos.onnx",
    "striate export runs/photos --format onnx --preprocessing --softmax --out ship/onnx",
    "striate export runs/photos --format safetensors --out ship/hub",
    "striate export runs/photos --format tfjs --out ship/web --images 2",
    "striate export runs/photos --format html --out ship/photos.html",
  ],
  async run({ output, signal, version }, [path = ""], options) {
    const { threads, backend, winograd, json: __, quiet: ___, ...rest } = options;
    const result = await exportModel(path, {
      ...rest,
      backend: chooseBackend({ backend, threads, winograd }),
      version,
      onProgress: (text) => output.progress(text),
      signal,
    });
    const { files, parity, sizeBytes, title } = result;
    const { maxAbsDiff, images, origin, runtime, notes } = parity;
    return {
      document: result,
      text: [
        `${title}: ${formatBytes(sizeBytes)} in ${files.length} files`,
        ...files.map((file) => `  ${file}`),
        `Checked with ${images} images, ${origin}, against ${runtime}: probabilities differ by at most ${maxAbsDiff === 0 ? 0 : maxAbsDiff.toExponential(1)}.`,
        ...notes,
      ].join("\n"),
    };
  },
});
