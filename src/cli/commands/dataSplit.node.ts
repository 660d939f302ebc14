import { join } from "node:path";
import { z } from "zod";
import { checkTrainable } from "../../data/manifest.ts";
import { openData } from "../../data/openData.node.ts";
import { findGroups } from "../../data/split/groups.ts";
import { splitData } from "../../data/split/splitData.ts";
import { formatSplit } from "../../data/split/splitFile.ts";
import { writeFileAtomic } from "../../formats/atomicWrite.node.ts";
import { prepareData } from "../../runs/prepareData.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { checkFree } from "../outFile.node.ts";
import { runProgress } from "../runProgress.ts";

const share = z.number().min(0).lt(1);

/** `striate data split`: who is for training, validation and test, written down. */
export const dataSplitCommand = defineCommand({
  summary: "Split a data set into training, validation and test parts that share nothing.",
  details: `Classes keep their shares; copies, near-duplicates, bursts of one camera and groups of a manifest stay together.
Writes split.jsonl to --out, which is a manifest as well: train from it with --split.`,
  arguments: [{ name: "data", description: "folder or manifest of labelled images" }],
  options: z.object({
    out: z.string().meta({ placeholder: "DIR" }).describe("folder for split.jsonl"),
    val: share.gt(0).default(0.2).describe("share to validate on"),
    test: share.default(0).describe("share that only eval opens"),
    seed: z.number().int().min(0).default(0).describe("number from which the split is drawn"),
    overwrite: z.boolean().default(false).describe("replace a split that is there"),
    onBad: z
      .enum(["skip", "stop"])
      .default("skip")
      .describe("what to do with files that cannot be decoded"),
    ...commonOptions,
  }),
  examples: ["striate data split photos/ --out photos-split --test 0.1"],
  async run({ output, signal }, [path = ""], { out, val, test, seed, overwrite, onBad }) {
    const listener = runProgress(output);
    const target = join(out, "split.jsonl");
    await checkFree(target, overwrite);
    const set = await openData(path);
    checkTrainable(set);
    const prepared = await prepareData(
      set,
      { width: 64, height: 64, channels: 3 },
      {
        onBad,
        measureRecords: true,
        onProgress: (done, total) => listener({ type: "progress", phase: "decode", done, total }),
        signal,
      },
    );
    const groups = findGroups(prepared.set, prepared.facts);
    const split = splitData(prepared.set, groups, { val, test, seed });
    await writeFileAtomic(target, formatSplit(prepared.set, split, groups));
    const document = {
      train: split.train.length,
      val: split.val.length,
      test: split.test.length,
      groups: groups.count,
      links: groups.links,
      notes: split.notes,
      bad: prepared.bad,
      file: target,
    };
    return {
      document,
      text: [
        `${document.train} to train, ${document.val} to validate, ${document.test} to test; ${groups.count} groups among ${prepared.set.items.length} images`,
        ...split.notes,
        ...prepared.bad.map(({ message }) => `left out: ${message}`),
        `Written ${target}. Train with: striate train ${path} --split ${target}`,
      ].join("\n"),
    };
  },
});
