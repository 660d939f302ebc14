import { z } from "zod";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import {
  catalogueDepths,
  createNet,
  depthChart,
  netNames,
  publishedWeights,
  variantNames,
} from "../../models/index.ts";
import { measureCost } from "../../train/cost.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { textTable } from "../table.ts";

/** `striate nets`: the catalogue. */
export const netsCommand = defineCommand({
  summary: "List the nets and their variants.",
  details:
    "The first variant of a net is its default. Sizes are those of the net's source; --input and --classes change them.",
  arguments: [],
  options: z.object({
    svg: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("draw the depths of all nets by year into this file, too"),
    ...commonOptions,
  }),
  examples: ["striate nets", "striate nets --json", "striate nets --svg depths.svg"],
  async run(_context, _arguments, { svg }) {
    if (svg !== undefined) await writeFileAtomic(svg, depthChart(catalogueDepths()));
    const document = netNames().map((name) => {
      const variants = variantNames(name).map((variant) => {
        const net = createNet(name, { variant });
        const { parameters, macs } = measureCost(net.layer, net.input);
        return { variant, input: net.input, classes: net.classes, params: parameters, macs };
      });
      const { paper, year } = createNet(name);
      const weights = variantNames(name).flatMap((variant) =>
        publishedWeights(name, variant).map(({ origin, hub = null, accuracy }) => {
          return { variant, origin, hub, accuracy };
        }),
      );
      return { name, variants, paper, year, weights };
    });
    const rows = document.flatMap(({ name, variants, year }) =>
      variants.map(({ variant, input: [c, h, w], classes, params, macs }, i) => [
        i === 0 ? name : "",
        variant,
        `${h}x${w}x${c}`,
        String(classes),
        params.toLocaleString("en"),
        (macs / 1e6).toLocaleString("en", { maximumFractionDigits: 1 }),
        i === 0 ? String(year) : "",
      ]),
    );
    const text = textTable(
      [
        { title: "net" },
        { title: "variant" },
        { title: "input" },
        { title: "classes", align: "right" },
        { title: "parameters", align: "right" },
        { title: "million MACs", align: "right" },
        { title: "year", align: "right" },
      ],
      rows,
    );
    return { document, text };
  },
});
