import type { z } from "zod";
import type { Output } from "./output.node.ts";

/** A place in the command line after the verb. */
export interface Argument {
  readonly name: string;
  readonly description: string;
  /** Default true. */
  readonly required?: boolean;
  /** Takes all that follow; only the last argument can. */
  readonly variadic?: boolean;
}

/** What a command leaves on stdout: a document with `--json`, text otherwise. */
export interface CommandResult {
  readonly document: unknown;
  readonly text: string;
  /** 1 where the work was done and its outcome is bad (a check that found problems). Default 0. */
  readonly exitCode?: 0 | 1;
}

/** What a command is given beside its arguments and options. */
export interface CommandContext {
  readonly output: Output;
  /** Aborted by the first Ctrl-C; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Version of the package, for records. */
  readonly version: string;
}

/** One verb of the command line. Its options' schema gives flags, configuration file, help and errors. */
export interface Command<S extends z.ZodObject = z.ZodObject> {
  readonly summary: string;
  /** Further lines for `--help`. */
  readonly details?: string;
  readonly arguments: readonly Argument[];
  readonly options: S;
  readonly examples: readonly string[];
  run(
    context: CommandContext,
    args: readonly string[],
    options: z.output<S>,
  ): Promise<CommandResult>;
}

/** Checks a command's types where it is written, and forgets them for the table. */
export function defineCommand<S extends z.ZodObject>(command: Command<S>): Command {
  return command as unknown as Command;
}
