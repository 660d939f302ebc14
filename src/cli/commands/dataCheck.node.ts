import { z } from "zod";
import { checkData, type Problem, problemKinds } from "../../data/check/checkData.ts";
import { openData } from "../../data/openData.node.ts";
import { findLabelErrors } from "../../runs/labelErrors.node.ts";
import { prepareData } from "../../runs/prepareData.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { runProgress } from "../runProgress.ts";

const checkedSize = 64;
const shownOfEachKind = 8;

/** `striate data check`: what is wrong or odd with a data set. */
export const dataCheckCommand = defineCommand({
  summary: "Look for what is wrong or odd with a data set.",
  details: `Reports corrupt and damaged files, copies and near-duplicates (and those across parts or classes), odd sizes, dark,
blurred and empty images, classes out of balance, and with --labels also labels that are probably wrong.`,
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    labels: z
      .boolean()
      .default(false)
      .describe(
        "look for wrong labels, too: trains small nets on parts of the data, which takes minutes",
      ),
    onBad: z
      .enum(["skip", "stop"])
      .default("skip")
      .describe("what to do with files that cannot be decoded"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: ["striate data check photos/", "striate data check photos/ --labels --json"],
  async run({ output, signal }, [path = ""], { labels, onBad, threads, backend, seed }) {
    const listener = runProgress(output);
    const set = await openData(path);
    const geometry = { width: checkedSize, height: checkedSize, channels: 3 as const };
    const prepared = await prepareData(set, geometry, {
      onBad,
      threads,
      measureRecords: true,
      onProgress: (done, total) => listener({ type: "progress", phase: "decode", done, total }),
      signal,
    });
    const labelIssues = labels
      ? await findLabelErrors(prepared, seed, {
          backend: chooseBackend({ backend, threads }),
          listener,
          threads,
          signal,
        })
      : [];
    const report = checkData(prepared, { labelIssues });
    const { images, classes, problems } = report;
    return {
      document: { images, classes, problems },
      text: `${images} images of ${classes.length} classes: ${classes.map((row) => `${row.label} ${row.images}`).join(", ")}
${describe(problems, (text) => output.styledResult("bold", text))}`,
    };
  },
});

function describe(problems: readonly Problem[], bold: (text: string) => string): string {
  if (problems.length === 0) return "Nothing is wrong with it.";
  const parts = problemKinds.flatMap((kind) => {
    const own = problems.filter((problem) => problem.kind === kind);
    if (own.length === 0) return [];
    const lines = own.slice(0, shownOfEachKind).map(({ files, detail }) => {
      const named = files.join(" = ");
      return `  ${named === "" || detail.startsWith(named) ? detail : `${named}: ${detail}`}`;
    });
    if (own.length > shownOfEachKind) lines.push(`  and ${own.length - shownOfEachKind} more`);
    return [`${bold(kind)} (${own.length})\n${lines.join("\n")}`];
  });
  return `\n${parts.join("\n\n")}`;
}
