import { FormatError } from "../../core/errors.ts";
import { ownValue } from "../ownValue.ts";
import { isKnownGlobal, persistentStorage, rebuild } from "./pickleGlobals.ts";
import { isKind, type PickleStorage, type PickleValue } from "./pickleValue.ts";

/** Operations of one pickle; a state dict of a thousand tensors takes fifty thousand. */
const maxOperations = 1_000_000;
/** Lists, tuples, dicts, tensors and texts of one pickle: what takes memory beyond the file's own. */
const maxObjects = 300_000;

/** A value, the storages it mentions by their keys, and where the pickle that held it ends. */
export interface Unpickled {
  readonly value: PickleValue;
  readonly storages: ReadonlyMap<string, PickleStorage>;
  readonly end: number;
}

/**
 * Reads one pickle (protocols 0 to 5, as `torch.save` writes them) from `start`.
 *
 * It can make numbers, texts, lists, tuples, dicts and tensors, and nothing else: a class or
 * function outside `pickleGlobals.ts` ends it with a {@link FormatError} that names it, before
 * anything is done with its arguments. So do operations that import, call or extend in other ways.
 *
 * Source: the opcode table of CPython's `pickletools`.
 *
 * @param where names the file in messages
 */
export function unpickle(bytes: Uint8Array, start: number, where: string): Unpickled {
  return new Unpickler(bytes, start, where).run();
}

/** The place on the stack where a tuple, list or dict under construction begins. */
const mark = Symbol("mark");

class Unpickler {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #where: string;
  readonly #stack: (PickleValue | typeof mark)[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #byOpcode: readonly ((() => void) | undefined)[];
  readonly #text = new TextDecoder();
  readonly #storages = new Map<string, PickleStorage>();
  #position: number;
  #objects = 0;

  /** What each operation does, by the character of its opcode; `pickletools` gives the names. */
  readonly #operations: Readonly<Record<string, () => void>> = {
    "\x80": () => this.#protocol(),
    "\x95": () => void this.#unsigned(8), // FRAME
    "(": () => void this.#stack.push(mark),
    "0": () => void this.#stack.pop(),
    "1": () => void this.#popToMark(),
    "2": () => this.#push(this.#peek()), // DUP
    N: () => this.#push(null),
    "\x88": () => this.#push(true),
    "\x89": () => this.#push(false),
    K: () => this.#push(this.#unsigned(1)),
    M: () => this.#push(this.#unsigned(2)),
    J: () => this.#push(this.#unsigned(4) | 0),
    "\x8a": () => this.#push(this.#long(this.#unsigned(1))),
    "\x8b": () => this.#push(this.#long(this.#unsigned(4))),
    G: () => this.#push(this.#view.getFloat64(this.#take(8), false)),
    I: () => this.#push(this.#numberLine()),
    L: () => this.#push(this.#numberLine()),
    F: () => this.#push(this.#numberLine()),
    X: () => this.#pushText(4), // BINUNICODE
    "\x8c": () => this.#pushText(1),
    "\x8d": () => this.#pushText(8),
    U: () => this.#pushText(1), // SHORT_BINSTRING of Python 2
    T: () => this.#pushText(4),
    V: () => this.#pushNew(this.#line()), // UNICODE
    C: () => this.#pushBytes(1),
    B: () => this.#pushBytes(4),
    "\x8e": () => this.#pushBytes(8),
    "]": () => this.#pushNew({ kind: "list", items: [] }),
    "\x8f": () => this.#pushNew({ kind: "list", items: [] }), // EMPTY_SET
    "}": () => this.#pushNew({ kind: "dict", entries: new Map() }),
    ")": () => this.#pushNew({ kind: "tuple", items: [] }),
    "\x85": () => this.#pushNew({ kind: "tuple", items: this.#popMany(1) }),
    "\x86": () => this.#pushNew({ kind: "tuple", items: this.#popMany(2) }),
    "\x87": () => this.#pushNew({ kind: "tuple", items: this.#popMany(3) }),
    t: () => this.#pushNew({ kind: "tuple", items: this.#popToMark() }),
    l: () => this.#pushNew({ kind: "list", items: this.#popToMark() }),
    "\x91": () => this.#pushNew({ kind: "list", items: this.#popToMark() }), // FROZENSET
    d: () => this.#pushDict(this.#popToMark()),
    a: () => this.#append(this.#popMany(1)),
    e: () => this.#append(this.#popToMark()),
    "\x90": () => this.#append(this.#popToMark()), // ADDITEMS
    s: () => this.#setOnTop(this.#popMany(2)),
    u: () => this.#setOnTop(this.#popToMark()),
    q: () => this.#remember(this.#unsigned(1)),
    r: () => this.#remember(this.#unsigned(4)),
    p: () => this.#remember(Number(this.#line())),
    "\x94": () => this.#remember(this.#memo.size), // MEMOIZE
    h: () => this.#recall(this.#unsigned(1)),
    j: () => this.#recall(this.#unsigned(4)),
    g: () => this.#recall(Number(this.#line())),
    c: () => this.#pushGlobal(this.#line(), this.#line()),
    "\x93": () => {
      const [module, name] = this.#popMany(2); // STACK_GLOBAL
      this.#pushGlobal(String(module), String(name));
    },
    Q: () => this.#pushStorage(persistentStorage(this.#pop(), this.#here())), // BINPERSID
    R: () => this.#reduce(),
    "\x81": () => this.#reduce(), // NEWOBJ: the same for what is known here
    b: () => this.#build(),
  };

  constructor(bytes: Uint8Array, start: number, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#where = where;
    this.#position = start;
    this.#byOpcode = Array.from({ length: 256 }, (_, opcode) =>
      ownValue(this.#operations, String.fromCharCode(opcode)),
    );
  }

  run(): Unpickled {
    for (let operation = 0; operation < maxOperations; operation++) {
      const opcode = this.#bytes[this.#take(1)]!;
      if (opcode === 0x2e) {
        return { value: this.#pop(), storages: this.#storages, end: this.#position };
      }
      const perform = this.#byOpcode[opcode];
      if (perform === undefined) {
        throw this.#fault(
          `operation 0x${opcode.toString(16)}, which is unknown or not allowed in a checkpoint`,
        );
      }
      perform();
    }
    throw this.#fault(`more than ${maxOperations} operations; at most that many are done`);
  }

  #reduce(): void {
    const [callee, args] = this.#popMany(2);
    if (!isKind(callee, "global") || !isKind(args, "tuple")) {
      throw this.#fault("a call of something that is no known function");
    }
    // A list can be used again and again through the memo, so going over it is paid for each time.
    for (const argument of args.items) {
      if (isKind(argument, "list") || isKind(argument, "tuple")) {
        this.#count(argument.items.length);
      }
    }
    this.#count();
    this.#push(rebuild(callee.name, args.items, this.#here()));
  }

  /** `BUILD` gives an object its attributes. None of the known objects needs any. */
  #build(): void {
    const [target] = this.#popMany(2);
    if (!isKind(target, "dict") && !isKind(target, "tensor") && !isKind(target, "numpyType")) {
      throw this.#fault("attributes for something that has none");
    }
    this.#push(target);
  }

  #protocol(): void {
    const protocol = this.#unsigned(1);
    if (protocol > 5) throw this.#fault(`protocol ${protocol}; 0 to 5 are known`);
  }

  #pushGlobal(module: string, name: string): void {
    const full = `${module}.${name}`;
    if (!isKnownGlobal(full)) {
      throw this.#fault(
        `the object "${full.slice(0, 200)}". Only tensors, numbers, texts, lists and dicts are built; save model.state_dict() alone`,
      );
    }
    this.#count();
    this.#push({ kind: "global", name: full });
  }

  #pushStorage(storage: PickleStorage): void {
    this.#count();
    const known = this.#storages.get(storage.key);
    if (known !== undefined && known.elementType !== storage.elementType) {
      throw this.#fault(`storage "${storage.key}" with two element types`);
    }
    this.#storages.set(storage.key, storage);
    this.#push(storage);
  }

  #append(items: PickleValue[]): void {
    const list = this.#peek();
    if (!isKind(list, "list")) throw this.#fault("an element for something that is no list");
    for (const item of items) list.items.push(item);
  }

  #setOnTop(items: PickleValue[]): void {
    const dict = this.#peek();
    if (!isKind(dict, "dict")) throw this.#fault("an entry for something that is no dict");
    this.#setItems(dict.entries, items);
  }

  #setItems(entries: Map<PickleValue, PickleValue>, items: PickleValue[]): void {
    if (items.length % 2 !== 0) throw this.#fault("a key without a value");
    for (let i = 0; i < items.length; i += 2) entries.set(items[i]!, items[i + 1]!);
  }

  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  /** Pushes something that takes memory, and counts it. */
  #pushNew(value: PickleValue): void {
    this.#count();
    this.#stack.push(value);
  }

  #pushDict(items: PickleValue[]): void {
    const entries = new Map<PickleValue, PickleValue>();
    this.#setItems(entries, items);
    this.#pushNew({ kind: "dict", entries });
  }

  #pushText(lengthBytes: number): void {
    this.#count();
    const length = this.#unsigned(lengthBytes);
    const start = this.#take(length);
    this.#push(this.#text.decode(this.#bytes.subarray(start, start + length)));
  }

  #pushBytes(lengthBytes: number): void {
    this.#count();
    const length = this.#unsigned(lengthBytes);
    const start = this.#take(length);
    this.#push(this.#bytes.subarray(start, start + length));
  }

  #peek(): PickleValue {
    const top = this.#stack.at(-1);
    if (top === undefined || top === mark) throw this.#fault("nothing to take from the stack");
    return top;
  }

  #pop(): PickleValue {
    const top = this.#peek();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): PickleValue[] {
    const items: PickleValue[] = [];
    for (let i = 0; i < count; i++) items.push(this.#pop());
    return items.reverse();
  }

  #popToMark(): PickleValue[] {
    const place = this.#stack.lastIndexOf(mark);
    if (place < 0) throw this.#fault("no mark on the stack");
    // Everything above the last mark is a value.
    const items = this.#stack.splice(place + 1) as PickleValue[];
    this.#stack.pop();
    return items;
  }

  #remember(slot: number): void {
    this.#memo.set(slot, this.#peek());
  }

  #recall(slot: number): void {
    const value = this.#memo.get(slot);
    if (value === undefined) throw this.#fault(`memo ${slot}, which was never set`);
    this.#push(value);
  }

  #take(length: number): number {
    const start = this.#position;
    if (length > this.#bytes.length - start) {
      throw this.#fault(`${length} bytes where ${this.#bytes.length - start} are left`);
    }
    this.#position += length;
    return start;
  }

  #unsigned(length: number): number {
    const start = this.#take(length);
    switch (length) {
      case 1:
        return this.#bytes[start]!;
      case 2:
        return this.#view.getUint16(start, true);
      case 4:
        return this.#view.getUint32(start, true);
      default:
        return Number(this.#view.getBigUint64(start, true));
    }
  }

  /** A little-endian integer of two's complement; PyTorch's magic number has ten bytes. */
  #long(length: number): number | bigint {
    if (length > 64) throw this.#fault(`an integer of ${length} bytes`);
    const start = this.#take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[start + i]!);
    const signed = BigInt.asIntN(length * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#position);
    if (end < 0 || end - this.#position > 4096) throw this.#fault("a line without an end");
    const text = this.#text.decode(this.#bytes.subarray(this.#position, end));
    this.#position = end + 1;
    return text;
  }

  #numberLine(): number | boolean {
    const line = this.#line();
    if (line === "00" || line === "01") return line === "01";
    const number = Number(line.replace(/L$/, ""));
    if (line === "" || Number.isNaN(number)) throw this.#fault(`the number "${line.slice(0, 40)}"`);
    return number;
  }

  #count(objects = 1): void {
    this.#objects += objects;
    if (this.#objects > maxObjects) {
      throw this.#fault(`more than ${maxObjects} objects; at most that many are built`);
    }
  }

  #here(): string {
    return `${this.#where}: pickle byte ${this.#position}`;
  }

  #fault(what: string): FormatError {
    return new FormatError(`${this.#here()}: found ${what}.`);
  }
}
