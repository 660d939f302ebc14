import type { Command } from "../command.ts";

/** A row of the table of commands; the command itself is loaded when it is run. */
interface Row {
  readonly summary: string;
  load(): Promise<Command>;
}

/** Every command by its verb, in the order of the overview. */
export const commands: Readonly<Record<string, Row>> = {
  size: {
    summary: "work out the output size of a convolution or pooling",
    load: async () => (await import("./size.ts")).sizeCommand,
  },
};
