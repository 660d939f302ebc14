import { z } from "zod";
import { checkData, type Problem, problemKinds } from "../../data/check/checkData.ts";
import { openData } from "../../data/openData.node.ts";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import { picturedFiles, renderCheck } from "../../report/checkHtml.ts";
import { findLabelErrors } from "../../runs/labelErrors.node.ts";
import { prepareData } from "../../runs/prepareData.node.ts";
import { pictureOf } from "../../runs/reportPictures.ts";
import { defineCommand } from "../command.ts";
import { commonOptions, engineOptions } from "../commonOptions.ts";
import { chooseBackend } from "../engine.node.ts";
import { checkFree } from "../outFile.node.ts";
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
    out: z
      .string()
      .optional()
      .meta({ placeholder: "FILE" })
      .describe("write the findings with their pictures there, as one HTML page"),
    overwrite: z.boolean().default(false).describe("replace a page that is there"),
    ...engineOptions,
    ...commonOptions,
  }),
  examples: [
    "striate data check photos/",
    "striate data check photos/ --labels --out findings.html",
    "striate data check photos/ --json",
  ],
  async run({ output, signal }, [path = ""], options) {
    const { labels, onBad, threads, backend, winograd, seed, out, overwrite } = options;
    const listener = runProgress(output);
    if (out !== undefined) await checkFree(out, overwrite);
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
          backend: chooseBackend({ backend, threads, winograd }),
          listener,
          threads,
          signal,
        })
      : [];
    const report = checkData(prepared, { labelIssues });
    const { images, classes, problems } = report;
    if (out !== undefined) {
      const pictures = new Map<string, string>();
      const shown = picturedFiles(report);
      for (const [index, { id }] of prepared.set.items.entries()) {
        if (shown.has(id)) pictures.set(id, await pictureOf(prepared, index));
      }
      await writeFileAtomic(out, renderCheck(set.name, report, pictures));
    }
    return {
      document: { images, classes, problems, ...(out === undefined ? {} : { file: out }) },
      text: `${images} images of ${classes.length} classes: ${classes.map((row) => `${row.label} ${row.images}`).join(", ")}
${describe(problems, (text) => output.styledResult("bold", text))}${out === undefined ? "" : `\n\nWritten ${out}`}`,
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
