import { FormatError } from "../../core/errors.ts";

/** A value in protobuf text: a number, a text or the name of an enum, a truth value, a message. */
export type TextValue = number | string | boolean | TextMessage;

/** A message in protobuf text: each field with all its values, in order. */
export type TextMessage = ReadonlyMap<string, readonly TextValue[]>;

const maxTextBytes = 2 ** 22;
const maxDepth = 64;
const maxFields = 200_000;
/** Longest quoted text; names and paths are all there is. */
const maxQuoted = 2 ** 16;

/**
 * Parses protobuf text, as a `.prototxt` is written, into plain data. No schema is needed, so a net
 * with layers of someone's own can be read as far as it is understood.
 *
 * @param where names the file in messages, which also give line and column
 */
export function parseTextFormat(text: string, where: string): TextMessage {
  if (text.length > maxTextBytes) {
    throw new FormatError(`${where}: ${text.length} characters; at most ${maxTextBytes} are read.`);
  }
  const parser = new Parser(text, where);
  return parser.message(undefined, 0);
}

/** The messages among a field's values. */
export function messagesOf(message: TextMessage, field: string): TextMessage[] {
  return (message.get(field) ?? []).filter((value) => typeof value === "object");
}

/** The texts (and names of enums) among a field's values. */
export function textsOf(message: TextMessage, field: string): string[] {
  return (message.get(field) ?? []).filter((value) => typeof value === "string");
}

/** The numbers among a field's values. */
export function numbersOf(message: TextMessage, field: string): number[] {
  return (message.get(field) ?? []).filter((value) => typeof value === "number");
}

type Token = { readonly text: string; readonly quoted: boolean };

class Parser {
  readonly #text: string;
  readonly #where: string;
  #position = 0;
  #fields = 0;

  constructor(text: string, where: string) {
    this.#text = text;
    this.#where = where;
  }

  /** Fields up to `end`, or to the end of the text. */
  message(end: string | undefined, depth: number): TextMessage {
    if (depth > maxDepth) throw this.#fault(`messages nested deeper than ${maxDepth} levels`);
    const fields = new Map<string, TextValue[]>();
    for (;;) {
      this.#skipSpace();
      if (this.#position === this.#text.length) {
        if (end === undefined) return fields;
        throw this.#fault(`the end of the text, expected "${end}"`);
      }
      if (end !== undefined && this.#accept(end)) return fields;
      this.#countField();
      const name = this.#name();
      const values = fields.get(name) ?? [];
      fields.set(name, values);
      const hasColon = this.#accept(":");
      if (!this.#list(values, depth)) values.push(this.#value(hasColon, depth));
      if (!this.#accept(",")) this.#accept(";");
    }
  }

  /** `[1, 2]`, a short form for the field repeated. */
  #list(values: TextValue[], depth: number): boolean {
    if (!this.#accept("[")) return false;
    if (this.#accept("]")) return true;
    for (;;) {
      this.#countField();
      values.push(this.#value(true, depth));
      if (this.#accept("]")) return true;
      if (!this.#accept(",")) throw this.#fault(`${this.#next()}, expected "," or "]"`);
    }
  }

  #value(hasColon: boolean, depth: number): TextValue {
    if (this.#accept("{")) return this.message("}", depth + 1);
    if (this.#accept("<")) return this.message(">", depth + 1);
    if (!hasColon) throw this.#fault(`${this.#next()}, expected ":" or "{"`);
    const token = this.#token();
    if (token.quoted) return this.#joined(token.text);
    return scalar(token.text) ?? token.text;
  }

  /** Texts beside one another are one text. */
  #joined(first: string): string {
    const parts = [first];
    for (;;) {
      this.#skipSpace();
      const letter = this.#text[this.#position];
      if (letter !== '"' && letter !== "'") return parts.join("");
      parts.push(this.#token().text);
    }
  }

  #name(): string {
    const isExtension = this.#accept("[");
    const token = this.#token();
    if (token.quoted) throw this.#fault("a text where the name of a field is expected");
    if (isExtension && !this.#accept("]")) throw this.#fault(`${this.#next()}, expected "]"`);
    return token.text;
  }

  #token(): Token {
    this.#skipSpace();
    const start = this.#position;
    const quote = this.#text[start];
    if (quote === '"' || quote === "'") return { text: this.#quoted(quote), quoted: true };
    // One letter at a time: a pattern over megabytes of one token would exhaust its stack.
    while (isWordLetter(this.#text.charCodeAt(this.#position))) this.#position++;
    if (this.#position === start) throw this.#fault(`${this.#next()}, expected a name or a value`);
    return { text: this.#text.slice(start, this.#position), quoted: false };
  }

  #quoted(quote: string): string {
    const start = this.#position + 1;
    let end = start;
    while (this.#text[end] !== quote) {
      const letter = this.#text[end];
      if (letter === undefined || letter === "\n") throw this.#fault("a text without an end");
      end += letter === "\\" ? 2 : 1;
      if (end - start > maxQuoted) throw this.#fault(`a text of more than ${maxQuoted} letters`);
    }
    this.#position = end + 1;
    return decodeEscapes(this.#text.slice(start, end));
  }

  #accept(letter: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#position] !== letter) return false;
    this.#position++;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const letter = this.#text[this.#position];
      if (letter === "#") {
        const end = this.#text.indexOf("\n", this.#position);
        this.#position = end < 0 ? this.#text.length : end;
      } else if (letter === " " || letter === "\n" || letter === "\t" || letter === "\r") {
        this.#position++;
      } else {
        return;
      }
    }
  }

  #countField(): void {
    this.#fields++;
    if (this.#fields > maxFields) throw this.#fault(`more than ${maxFields} fields`);
  }

  #next(): string {
    const letter = this.#text[this.#position];
    return letter === undefined ? "the end of the text" : JSON.stringify(letter);
  }

  #fault(found: string): FormatError {
    const before = this.#text.slice(0, this.#position);
    const line = before.split("\n").length;
    const column = this.#position - before.lastIndexOf("\n");
    return new FormatError(`${this.#where}: line ${line}, column ${column}: found ${found}.`);
  }
}

/** Letters, digits and `_ . + -`, of which names, numbers and enums are made. */
function isWordLetter(code: number): boolean {
  const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
  const isDigit = code >= 48 && code <= 57;
  return isLetter || isDigit || code === 95 || code === 46 || code === 43 || code === 45;
}

/** A word as number or truth value, if it is one. */
function scalar(word: string): number | boolean | undefined {
  if (word.length > 100) return undefined;
  if (word === "true" || word === "false") return word === "true";
  if (/^[+-]?0[xX][\da-fA-F]+$/.test(word)) {
    const magnitude = Number(word.replace(/^[+-]/, ""));
    return word.startsWith("-") ? -magnitude : magnitude;
  }
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fF]?$/.test(word)) return Number.parseFloat(word);
  if (/^-?(inf|infinity)$/i.test(word)) return word.startsWith("-") ? -Infinity : Infinity;
  return word.toLowerCase() === "nan" ? Number.NaN : undefined;
}

function decodeEscapes(text: string): string {
  const letters: Readonly<Record<string, string>> = {
    n: "\n",
    t: "\t",
    r: "\r",
    a: "\x07",
    b: "\b",
    f: "\f",
    v: "\v",
  };
  return text.replace(/\\(x[\da-fA-F]{1,2}|[0-7]{1,3}|.)/gs, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return letters[code] ?? code;
  });
}
