import type { Command } from "../command.ts";

/** A row of the table of commands; the command itself is loaded when it is run. */
interface Row {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command by its verb, in the order of the overview. */
export const commands: Readonly<Record<string, Row>> = {
  sample: {
    summary: "draw a small data set, train on it, write the report",
    load: async () => (await import("./sample.node.ts")).sampleCommand,
  },
  train: {
    summary: "train a net on images and report how well it does",
    load: async () => (await import("./train.node.ts")).trainCommand,
  },
  resume: {
    summary: "go on with a run that was stopped",
    load: async () => (await import("./resume.node.ts")).resumeCommand,
  },
  eval: {
    summary: "judge a model on labelled images",
    load: async () => (await import("./eval.node.ts")).evalCommand,
  },
  predict: {
    summary: "say what images show",
    load: async () => (await import("./predict.node.ts")).predictCommand,
  },
  import: {
    summary: "make a model of weights from other programs or the hub",
    load: async () => (await import("./import.node.ts")).importCommand,
  },
  export: {
    summary: "hand a model over to another program, with proof",
    load: async () => (await import("./export.node.ts")).exportCommand,
  },
  advise: {
    summary: "say what to do with pretrained weights on some data",
    load: async () => (await import("./advise.node.ts")).adviseCommand,
  },
  "data check": {
    summary: "look for what is wrong or odd with a data set",
    load: async () => (await import("./dataCheck.node.ts")).dataCheckCommand,
  },
  "data split": {
    summary: "split a data set into parts that share nothing",
    load: async () => (await import("./dataSplit.node.ts")).dataSplitCommand,
  },
  "data preview": {
    summary: "write a contact sheet of images and their augmentation",
    load: async () => (await import("./dataPreview.node.ts")).dataPreviewCommand,
  },
  "data get": {
    summary: "fetch a public data set",
    load: async () => (await import("./dataGet.node.ts")).dataGetCommand,
  },
  nets: {
    summary: "list the nets and their variants",
    load: async () => (await import("./nets.node.ts")).netsCommand,
  },
  summary: {
    summary: "show a net layer by layer",
    load: async () => (await import("./summary.node.ts")).summaryCommand,
  },
  size: {
    summary: "work out the output size of a convolution or pooling",
    load: async () => (await import("./size.ts")).sizeCommand,
  },
  "lr-find": {
    summary: "find a learning rate",
    load: async () => (await import("./lrFind.node.ts")).lrFindCommand,
  },
  "optim-lab": {
    summary: "race optimizers on one problem",
    load: async () => (await import("./optimLab.node.ts")).optimLabCommand,
  },
  bench: {
    summary: "measure images per second on data in memory",
    load: async () => (await import("./bench.node.ts")).benchCommand,
  },
  doctor: {
    summary: "show what this machine offers and what will be used",
    load: async () => (await import("./doctor.node.ts")).doctorCommand,
  },
};
