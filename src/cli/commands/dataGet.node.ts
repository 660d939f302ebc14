import { z } from "zod";
import { publicSets } from "../../data/sets/catalog.ts";
import { getData } from "../../data/sets/getData.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { formatBytes } from "../quantities.ts";
import { textTable } from "../table.ts";

/** `striate data get`: fetches a well-known public data set. */
export const dataGetCommand = defineCommand({
  summary: "Fetch a public data set, with checksum; goes on where it was stopped.",
  details: `Known sets:\n${textTable(
    [{ title: "  name" }, { title: "" }],
    Object.entries(publicSets).map(([name, { summary }]) => [`  ${name}`, summary]),
  )}`,
  arguments: [{ name: "name", description: Object.keys(publicSets).join(", ") }],
  options: z.object({
    out: z
      .string()
      .optional()
      .meta({ placeholder: "DIR" })
      .describe("folder for the set (data/<name> if left out)"),
    from: z
      .string()
      .optional()
      .meta({ placeholder: "URL" })
      .describe("mirror, or local folder, with the same files"),
    ...commonOptions,
  }),
  examples: [
    "striate data get mnist",
    "striate data get cifar-10 --from /media/downloads --out cifar-10",
  ],
  async run({ output, signal }, [name = ""], { out, from }) {
    const { folder, fetched, set } = await getData(name, {
      folder: out ?? `data/${name}`,
      signal,
      ...(from === undefined ? {} : { from }),
      onProgress: (file, received, total) =>
        output.progress(`${file} ${formatBytes(received)} of ${formatBytes(total)}`),
    });
    return {
      document: { name, folder, fetched, home: set.home, licence: set.licence },
      text: `${name}: ${set.summary}\n${fetched ? "Fetched to" : "Already in"} ${folder}\nTerms: ${set.licence} (${set.home})`,
    };
  },
});
