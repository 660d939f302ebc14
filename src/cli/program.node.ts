import { readFile } from "node:fs/promises";
import process from "node:process";
import { Command as Parser } from "commander";
import { z } from "zod";
import { nearest, StriateError } from "../core/errors.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands/index.ts";
import { configOption } from "./commonOptions.ts";
import { checkOptions, type Flag, flagsOf, readFlag } from "./flags.ts";
import { processOutput } from "./output.node.ts";
import { textTable } from "./table.ts";
import { UsageError } from "./usageError.ts";

/**
 * Runs one command line and returns its exit code: 0 done, 1 the work failed, 2 the command was wrong.
 * Results go to stdout, everything else to stderr.
 */
export async function runCommandLine(args: readonly string[]): Promise<0 | 1 | 2> {
  try {
    return await dispatch(args);
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\n`);
      return 2;
    }
    if (error instanceof Error && error.name === "AbortError") {
      process.stderr.write("Stopped.\n");
      return 1;
    }
    const isOurs = error instanceof StriateError;
    const wrongOption = isOurs && error.name === "OptionError";
    process.stderr.write(`${isOurs ? error.message : explainUnexpected(error)}\n`);
    return wrongOption ? 2 : 1;
  }
}

async function dispatch(args: readonly string[]): Promise<0 | 1> {
  const { verb, rest } = findVerb(args);
  if (verb === undefined) {
    const first = args[0];
    if (first === "--version" || first === "-V") {
      await write(`${await packageVersion()}\n`);
      return 0;
    }
    if (first === undefined || first === "--help" || first === "-h" || first === "help") {
      await write(overview(args[1]));
      return 0;
    }
    throw unknownVerb(args);
  }
  const command = await commands[verb]!.load();
  const parsed = parse(verb, command, rest);
  if (parsed === "help") {
    await write(helpOf(verb, command));
    return 0;
  }
  const { config: configPath, ...given } = parsed.given;
  const config = typeof configPath === "string" ? await readConfig(configPath) : {};
  const options = checkOptions(command.options, given, config, String(configPath));
  const output = processOutput({ quiet: options.quiet === true });
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  try {
    const context = { output, signal: controller.signal, version: await packageVersion() };
    const result = await command.run(context, parsed.args, options);
    output.clearProgress();
    const text =
      options.json === true ? JSON.stringify(result.document, null, 2) : result.text.trimEnd();
    if (text !== "") await write(`${text}\n`);
    return result.exitCode ?? 0;
  } finally {
    output.clearProgress();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

/** The verb at the start of the arguments; verbs may be two words (`data check`). */
function findVerb(args: readonly string[]): { verb: string | undefined; rest: readonly string[] } {
  for (const words of [2, 1]) {
    const verb = args.slice(0, words).join(" ");
    if (args.length >= words && Object.hasOwn(commands, verb)) {
      return { verb, rest: args.slice(words) };
    }
  }
  return { verb: undefined, rest: args };
}

function unknownVerb(args: readonly string[]): UsageError {
  const [first = "", second] = args;
  const group = Object.keys(commands).filter((verb) => verb.startsWith(`${first} `));
  if (group.length > 0) {
    const given = second === undefined ? "nothing" : `"${second}"`;
    return new UsageError(`${first}: expected ${group.join(" or ")}, not ${given}.`);
  }
  const near = nearest(first, Object.keys(commands));
  const hint = near === undefined ? "" : ` Did you mean "${near}"?`;
  return new UsageError(`unknown command "${first}".${hint} "striate --help" lists all.`);
}

function parse(
  verb: string,
  command: Command,
  rest: readonly string[],
): "help" | { args: string[]; given: Record<string, unknown> } {
  if (rest.includes("--help") || rest.includes("-h")) return "help";
  const flags = allFlags(command);
  const parser = new Parser(`striate ${verb}`)
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption(false)
    .configureOutput({ writeOut: () => {}, writeErr: () => {} });
  for (const argument of command.arguments) parser.argument(placeholder(argument));
  for (const flag of flags) {
    if (flag.kind !== "boolean") parser.option(`--${flag.name} <${flag.placeholder}>`);
    else if (flag.fallback === true) parser.option(`--no-${flag.name}`);
    else parser.option(`--${flag.name}`);
  }
  try {
    parser.parse([...rest], { from: "user" });
  } catch (error) {
    const message = (error as Error).message.replace(/^error: /, "");
    throw new UsageError(
      `${message}\n${usageLine(verb, command)}\n"striate ${verb} --help" explains.`,
    );
  }
  const texts = parser.opts<Record<string, unknown>>();
  const given: Record<string, unknown> = {};
  for (const flag of flags) {
    if (parser.getOptionValueSource(flag.key) !== "cli") continue;
    const value = texts[flag.key];
    given[flag.key] = typeof value === "string" ? readFlag(flag, value) : value;
  }
  return { args: parser.args, given };
}

function allFlags({ options }: Command): readonly Flag[] {
  return [...flagsOf(options), ...flagsOf(z.object(configOption))];
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new UsageError(`--config ${path}: cannot be read as JSON: ${(error as Error).message}`);
  }
  // The config.json of a run holds its options beside what was made of them.
  const options =
    typeof value === "object" && value !== null && "options" in value ? value.options : value;
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new UsageError(`--config ${path}: expected a JSON object of options.`);
  }
  return options as Record<string, unknown>;
}

function overview(filter?: string): string {
  const rows = Object.entries(commands)
    .filter(([verb]) => filter === undefined || verb.startsWith(filter))
    .map(([verb, { summary }]) => [`  ${verb}`, summary]);
  const table = textTable([{ title: "Commands" }, { title: "" }], rows);
  return `Train, understand and ship image classifiers.

Usage: striate <command> [arguments] [--flags]

${table}

"striate <command> --help" shows a command's arguments, flags and examples.
Exit codes: 0 done, 1 the work failed, 2 the command was wrong.
`;
}

function helpOf(verb: string, command: Command): string {
  const parts = [command.summary, usageLine(verb, command)];
  if (command.details !== undefined) parts.push(command.details);
  if (command.arguments.length > 0) {
    const rows = command.arguments.map((argument) => [`  ${argument.name}`, argument.description]);
    parts.push(textTable([{ title: "Arguments" }, { title: "" }], rows));
  }
  const rows = allFlags(command).map((flag) => [`  ${written(flag)}`, explained(flag)]);
  parts.push(textTable([{ title: "Flags" }, { title: "" }], rows));
  parts.push(["Examples", ...command.examples.map((example) => `  ${example}`)].join("\n"));
  return `${parts.join("\n\n")}\n`;
}

function usageLine(verb: string, command: Command): string {
  const args = command.arguments.map(placeholder).join(" ");
  return `Usage: striate ${verb} ${args === "" ? "" : `${args} `}[--flags]`;
}

function placeholder({
  name,
  required = true,
  variadic = false,
}: Command["arguments"][number]): string {
  const inner = variadic ? `${name}...` : name;
  return required ? `<${inner}>` : `[${inner}]`;
}

function written(flag: Flag): string {
  if (flag.kind === "boolean")
    return flag.fallback === true ? `--no-${flag.name}` : `--${flag.name}`;
  return `--${flag.name} ${flag.placeholder}`;
}

function explained({ description, fallback, kind }: Flag): string {
  if (kind === "boolean" || fallback === undefined) return description;
  return `${description} (default ${String(fallback)})`;
}

async function packageVersion(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

// Waits until the text is out: a pipe may take it in pieces, and the process must not end before.
function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      process.stdout.off("error", done);
      resolve();
    };
    process.stdout.once("error", done);
    process.stdout.write(text, done);
  });
}

// What the system says in codes, in words. Anything else is a fault of this program: its stack helps.
function explainUnexpected(error: unknown): string {
  const { code, path, message, stack } = error as NodeJS.ErrnoException;
  const at = path === undefined ? "" : ` ${path}`;
  switch (code) {
    case "ENOSPC":
      return `The disk is full${at === "" ? "" : `: writing${at} failed`}. What was written before is whole; free some space and run "striate resume RUN".`;
    case "EACCES":
    case "EPERM":
      return `No permission for${at}. Change its permissions or choose another place.`;
    case "EROFS":
      return `${path ?? "The target"} is on a read-only file system. Choose another place with --out.`;
    case "ENOENT":
      return `There is no${at}.`;
    case "EMFILE":
      return "Too many files are open at once; raise the limit (ulimit -n).";
    default:
      return stack ?? message;
  }
}
