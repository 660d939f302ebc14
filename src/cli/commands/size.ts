import { z } from "zod";
import { arithmetic, exactOutputSize, fittingOptions } from "../../graph/window.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { textTable } from "../table.ts";

const size = z.number().int().max(1_000_000);

/** `striate size`: the output-size arithmetic of sliding windows, with what would fit. */
export const sizeCommand = defineCommand({
  summary: "Work out the output size of a convolution or pooling along one axis.",
  details:
    "(input + 2·pad − (dilation·(kernel − 1) + 1))/stride + 1 must be whole; where it is not, the paddings and\nstrides that would fit are listed.",
  arguments: [],
  options: z.object({
    input: size.min(1).describe("pixels of the input"),
    kernel: size.min(1).describe("pixels of the kernel"),
    stride: size.min(1).default(1).describe("step between windows"),
    pad: size.min(0).default(0).describe("pixels added on each side"),
    dilation: size.min(1).default(1).describe("distance between the kernel's taps"),
    ...commonOptions,
  }),
  examples: [
    "striate size --input 227 --kernel 11 --stride 4",
    "striate size --input 7 --kernel 3 --stride 3",
  ],
  run(_context, _args, { input, kernel, stride, pad, dilation }) {
    const axis = { input, kernel, stride, dilation, padding: 2 * pad };
    const exact = exactOutputSize(axis);
    const fits = Number.isInteger(exact) && exact >= 1;
    const options = fits ? [] : fittingOptions(axis);
    const lines = [arithmetic(axis)];
    if (fits) lines.push(`Fits: ${input} pixels become ${exact}.`);
    else if (options.length === 0) lines.push("Does not fit; no padding or smaller stride does.");
    else {
      const rows = options.map((option) => [option.stride, option.pad, option.output].map(String));
      const columns = ["stride", "pad", "output"].map((title) => ({
        title,
        align: "right" as const,
      }));
      lines.push("Does not fit. These do:", textTable(columns, rows));
    }
    return Promise.resolve({
      document: { fits, output: fits ? exact : null, exact, options },
      text: lines.join("\n"),
    });
  },
});
