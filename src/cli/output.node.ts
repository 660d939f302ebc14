import process from "node:process";
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Where a command's words go: results to stdout, everything about the work to stderr. */
export interface Output {
  /** Whether people read stderr on a terminal. */
  readonly interactive: boolean;
  /** A line that stays. Silent with `--quiet`. */
  note(text: string): void;
  /** A line that stays even with `--quiet`. */
  warn(text: string): void;
  /**
   * How far the work is: on a terminal a line that the next one replaces; otherwise a line at most
   * every ten seconds. Silent with `--quiet`.
   */
  progress(text: string): void;
  /** Takes the progress line away. */
  clearProgress(): void;
  /** `text` in a style if stderr is a terminal that has it. */
  styled(style: Style, text: string): string;
  /** `text` in a style if stdout is a terminal that has it. */
  styledResult(style: Style, text: string): string;
}

const secondsBetweenLines = 10;

/** The output of a real process. */
export function processOutput(options: { readonly quiet: boolean }): Output {
  const { quiet } = options;
  const { stderr, stdout } = process;
  const interactive = stderr.isTTY === true;
  let shown = false;
  let lastLine = Number.NEGATIVE_INFINITY;

  const clear = (): void => {
    if (shown) stderr.write("\r\x1b[K");
    shown = false;
  };
  const line = (text: string): void => {
    clear();
    stderr.write(`${text}\n`);
  };
  return {
    interactive,
    note(text) {
      if (!quiet) line(text);
    },
    warn: line,
    progress(text) {
      if (quiet) return;
      if (!interactive) {
        const now = performance.now() / 1000;
        if (now - lastLine < secondsBetweenLines) return;
        lastLine = now;
        stderr.write(`${text}\n`);
        return;
      }
      const width = Math.max(20, (stderr.columns ?? 80) - 1);
      stderr.write(`\r${text.slice(0, width)}\x1b[K`);
      shown = true;
    },
    clearProgress: clear,
    styled: (style, text) => styleText(style, text, { stream: stderr, validateStream: true }),
    styledResult: (style, text) => styleText(style, text, { stream: stdout, validateStream: true }),
  };
}
