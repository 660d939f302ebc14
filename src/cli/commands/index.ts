import type { Command } from "../command.ts";

/** A row of the table of commands; the command itself is loaded when it is run. */
interface Row {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command by its verb, in the order of the overview. */
export const commands: Readonly<Record<string, Row>> = {
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
  nets: {
    summary: "list the nets and their variants",
    load: async () => (await import("./nets.ts")).netsCommand,
  },
  size: {
    summary: "work out the output size of a convolution or pooling",
    load: async () => (await import("./size.ts")).sizeCommand,
  },
};
