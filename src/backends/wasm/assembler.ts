/**
 * A small WebAssembly assembler: functions are written as stack code through methods that append
 * bytes, and a module is a list of functions over one imported memory. Names are those of the
 * WebAssembly text format, so the specification is the manual.
 *
 * Source: WebAssembly Core Specification 3.0 (binary format; threads; SIMD; relaxed SIMD).
 */
import { GraphError } from "../../core/errors.ts";
import {
  type Instruction,
  instructions,
  type MemoryInstruction,
  memoryInstructions,
} from "./instructions.ts";

export type ValueType = "i32" | "i64" | "f32" | "f64" | "v128";

const valueTypeCodes: Readonly<Record<ValueType, number>> = {
  i32: 0x7f,
  i64: 0x7e,
  f32: 0x7d,
  f64: 0x7c,
  v128: 0x7b,
};

/** A local variable or parameter of the function being written. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** A branch target: an open block or loop. */
export interface Label {
  readonly depth: number;
}

/** Appends bytes to a buffer that grows by doubling. */
class ByteWriter {
  bytes = new Uint8Array(256);
  length = 0;

  byte(value: number): void {
    if (this.length === this.bytes.length) this.#grow(1);
    this.bytes[this.length++] = value;
  }

  append(values: Uint8Array): void {
    if (this.length + values.length > this.bytes.length) this.#grow(values.length);
    this.bytes.set(values, this.length);
    this.length += values.length;
  }

  unsigned(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.byte(rest);
  }

  signed(value: number): void {
    let rest = value;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) {
        this.byte(low);
        return;
      }
      this.byte(low | 0x80);
    }
  }

  name(text: string): void {
    const encoded = new TextEncoder().encode(text);
    this.unsigned(encoded.length);
    this.append(encoded);
  }

  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  #grow(extra: number): void {
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + extra));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

const floatBytes = new DataView(new ArrayBuffer(8));

/** Writes the body of one function. Obtained from {@link ModuleBuilder.function}. */
export class FunctionBuilder {
  readonly #code = new ByteWriter();
  readonly #types: ValueType[];
  readonly #parameterCount: number;
  readonly #free = new Map<ValueType, Local[]>();
  readonly #constants = new Map<string, Local>();
  readonly #prologue = new ByteWriter();
  #depth = 0;

  constructor(parameters: readonly ValueType[]) {
    this.#types = [...parameters];
    this.#parameterCount = parameters.length;
  }

  /** The parameter number `index`. */
  parameter(index: number): Local {
    const type = this.#types[index];
    if (type === undefined || index >= this.#parameterCount) {
      throw new GraphError(
        `assembler: parameter ${index} of a function with ${this.#parameterCount}.`,
      );
    }
    return { index, type };
  }

  /** A fresh local, or one that was given back; its value is undefined until set. */
  local(type: ValueType): Local {
    const reused = this.#free.get(type)?.pop();
    if (reused !== undefined) return reused;
    this.#types.push(type);
    return { index: this.#types.length - 1, type };
  }

  /** `count` locals of one type. */
  locals(type: ValueType, count: number): Local[] {
    return Array.from({ length: count }, () => this.local(type));
  }

  /** Gives locals back for later use. */
  release(...locals: readonly Local[]): void {
    for (const local of locals) {
      const list = this.#free.get(local.type);
      if (list === undefined) this.#free.set(local.type, [local]);
      else list.push(local);
    }
  }

  /**
   * A local that holds equal lanes of `value` from the start of the function on, one for each value.
   * Engines build a vector constant anew wherever it is written, which is dear inside a loop.
   */
  constant(lanes: "f32x4" | "i32x4" | "f64x2", value: number): Local {
    const wide = lanes === "f64x2";
    if (wide) floatBytes.setFloat64(0, value, true);
    else if (lanes === "f32x4") floatBytes.setFloat32(0, value, true);
    else floatBytes.setInt32(0, value, true);
    const low = floatBytes.getInt32(0, true);
    const high = wide ? floatBytes.getInt32(4, true) : low;
    const key = `${low} ${high}`;
    let local = this.#constants.get(key);
    if (local === undefined) {
      this.#types.push("v128");
      local = { index: this.#types.length - 1, type: "v128" };
      this.#constants.set(key, local);
      floatBytes.setInt32(4, high, true);
      this.#prologue.append(Uint8Array.of(0xfd, 12));
      for (let i = 0; i < 16; i++) this.#prologue.byte(floatBytes.getUint8(i % 8));
      this.#prologue.byte(0x21);
      this.#prologue.unsigned(local.index);
    }
    return local;
  }

  get(local: Local): this {
    this.#code.byte(0x20);
    this.#code.unsigned(local.index);
    return this;
  }

  set(local: Local): this {
    this.#code.byte(0x21);
    this.#code.unsigned(local.index);
    return this;
  }

  tee(local: Local): this {
    this.#code.byte(0x22);
    this.#code.unsigned(local.index);
    return this;
  }

  i32(value: number): this {
    this.#code.byte(0x41);
    this.#code.signed(value | 0);
    return this;
  }

  /** A small 64-bit constant (within 32 bits). */
  i64(value: number): this {
    this.#code.byte(0x42);
    this.#code.signed(value | 0);
    return this;
  }

  f32(value: number): this {
    floatBytes.setFloat32(0, value, true);
    this.#code.byte(0x43);
    for (let i = 0; i < 4; i++) this.#code.byte(floatBytes.getUint8(i));
    return this;
  }

  /** Four equal float32 lanes. */
  f32x4(value: number): this {
    floatBytes.setFloat32(0, value, true);
    return this.#lanes();
  }

  /** Four equal int32 lanes. */
  i32x4(value: number): this {
    floatBytes.setInt32(0, value, true);
    return this.#lanes();
  }

  /** Four given int32 lanes. */
  i32x4Lanes(a: number, b: number, c: number, d: number): this {
    this.#code.byte(0xfd);
    this.#code.unsigned(12);
    for (const lane of [a, b, c, d]) {
      floatBytes.setInt32(0, lane, true);
      for (let i = 0; i < 4; i++) this.#code.byte(floatBytes.getUint8(i));
    }
    return this;
  }

  #lanes(): this {
    this.#code.byte(0xfd);
    this.#code.unsigned(12);
    for (let lane = 0; lane < 4; lane++) {
      for (let i = 0; i < 4; i++) this.#code.byte(floatBytes.getUint8(i));
    }
    return this;
  }

  /** An instruction without immediates, by its name in the text format. */
  op(name: Instruction): this {
    for (const byte of instructions[name]) this.#code.byte(byte);
    return this;
  }

  /** A lane instruction (`f32x4.extract_lane`, `f32x4.replace_lane`, `i32x4.extract_lane`, …). */
  lane(
    name: "f32x4.extract_lane" | "f32x4.replace_lane" | "i32x4.extract_lane" | "i32x4.replace_lane",
    lane: number,
  ): this {
    const codes = {
      "i32x4.extract_lane": 27,
      "i32x4.replace_lane": 28,
      "f32x4.extract_lane": 31,
      "f32x4.replace_lane": 32,
    } as const;
    this.#code.byte(0xfd);
    this.#code.unsigned(codes[name]);
    this.#code.byte(lane);
    return this;
  }

  /** `i8x16.shuffle` given as four source lanes of 32 bits (0–3 of the first operand, 4–7 of the second). */
  shuffle(a: number, b: number, c: number, d: number): this {
    this.#code.byte(0xfd);
    this.#code.unsigned(13);
    for (const lane of [a, b, c, d]) {
      for (let i = 0; i < 4; i++) this.#code.byte(lane * 4 + i);
    }
    return this;
  }

  /** A load, store or atomic access at the address on the stack plus `offset` bytes. */
  memory(name: MemoryInstruction, offset = 0): this {
    const { code, align } = memoryInstructions[name];
    for (const byte of code) this.#code.byte(byte);
    this.#code.unsigned(align);
    this.#code.unsigned(offset);
    return this;
  }

  /** A load into or a store from one lane: [address, vector] → [vector] or []. */
  memoryLane(
    name: "v128.load32_lane" | "v128.store32_lane" | "v128.store64_lane",
    lane: number,
    offset = 0,
  ): this {
    const codes = { "v128.load32_lane": 86, "v128.store32_lane": 90, "v128.store64_lane": 91 };
    this.#code.byte(0xfd);
    this.#code.unsigned(codes[name]);
    this.#code.unsigned(name === "v128.store64_lane" ? 3 : 2);
    this.#code.unsigned(offset);
    this.#code.byte(lane);
    return this;
  }

  /** `memory.fill`: [address, byte, count] → []. */
  memoryFill(): this {
    this.#code.append(Uint8Array.of(0xfc, 11, 0));
    return this;
  }

  /** `memory.copy`: [to, from, count] → []. */
  memoryCopy(): this {
    this.#code.append(Uint8Array.of(0xfc, 10, 0, 0));
    return this;
  }

  /** `memory.init` from a data segment: [to, from, count] → []. */
  memoryInit(segment: number): this {
    this.#code.append(Uint8Array.of(0xfc, 8));
    this.#code.unsigned(segment);
    this.#code.byte(0);
    return this;
  }

  /** Calls the function with this index. */
  call(functionIndex: number): this {
    this.#code.byte(0x10);
    this.#code.unsigned(functionIndex);
    return this;
  }

  return(): this {
    this.#code.byte(0x0f);
    return this;
  }

  /** A block; branching to its label leaves it. */
  block(body: (exit: Label) => void): this {
    return this.#open(0x02, body);
  }

  /** A loop; branching to its label starts it again. */
  loop(body: (again: Label) => void): this {
    return this.#open(0x03, body);
  }

  /** Takes an i32 from the stack and runs one of the branches. */
  if(then: () => void, otherwise?: () => void): this {
    this.#code.byte(0x04);
    this.#code.byte(0x40);
    this.#depth++;
    then();
    if (otherwise !== undefined) {
      this.#code.byte(0x05);
      otherwise();
    }
    this.#depth--;
    this.#code.byte(0x0b);
    return this;
  }

  branch(label: Label): this {
    this.#code.byte(0x0c);
    this.#code.unsigned(this.#depth - label.depth);
    return this;
  }

  /** Branches when the i32 on the stack is not zero. */
  branchIf(label: Label): this {
    this.#code.byte(0x0d);
    this.#code.unsigned(this.#depth - label.depth);
    return this;
  }

  /**
   * `for (counter = start; counter < end; counter += step) body()`, signed. `start` and `end` are
   * numbers, locals, or code that pushes an i32; `end` is evaluated before each round.
   */
  for(
    counter: Local,
    start: number | Local | (() => void),
    end: number | Local | (() => void),
    step: number,
    body: () => void,
  ): this {
    this.push(start).set(counter);
    return this.block((exit) => {
      this.loop((again) => {
        this.get(counter).push(end).op("i32.ge_s").branchIf(exit);
        body();
        this.get(counter).i32(step).op("i32.add").set(counter).branch(again);
      });
    });
  }

  /** Pushes a number, a local or what the code pushes. */
  push(value: number | Local | (() => void)): this {
    if (typeof value === "number") return this.i32(value);
    if (typeof value === "function") {
      value();
      return this;
    }
    return this.get(value);
  }

  /** `target += amount` for an i32 local. */
  increment(target: Local, amount: number | Local): this {
    return this.get(target).push(amount).op("i32.add").set(target);
  }

  /** The encoded function: its locals and its code. */
  encode(): Uint8Array {
    const head = new ByteWriter();
    const own = this.#types.slice(this.#parameterCount);
    const runs: { type: ValueType; count: number }[] = [];
    for (const type of own) {
      const last = runs.at(-1);
      if (last?.type === type) last.count++;
      else runs.push({ type, count: 1 });
    }
    head.unsigned(runs.length);
    for (const { type, count } of runs) {
      head.unsigned(count);
      head.byte(valueTypeCodes[type]);
    }
    const body = new ByteWriter();
    body.unsigned(head.length + this.#prologue.length + this.#code.length + 1);
    body.append(head.view());
    body.append(this.#prologue.view());
    body.append(this.#code.view());
    body.byte(0x0b);
    return body.view();
  }

  #open(code: number, body: (label: Label) => void): this {
    this.#code.byte(code);
    this.#code.byte(0x40);
    this.#depth++;
    body({ depth: this.#depth });
    this.#depth--;
    this.#code.byte(0x0b);
    return this;
  }
}

/** Limits of the imported memory, in pages of 64 KiB. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum: number;
  readonly shared: boolean;
}

/** Collects functions over one imported memory (`env.memory`) and encodes them as a module. */
export class ModuleBuilder {
  readonly #memory: MemoryLimits;
  readonly #types: string[] = [];
  readonly #typeBytes: Uint8Array[] = [];
  readonly #functions: { type: number; code: Uint8Array | undefined }[] = [];
  readonly #exports: { name: string; index: number }[] = [];
  readonly #segments: Uint8Array[] = [];

  constructor(memory: MemoryLimits) {
    this.#memory = memory;
  }

  /**
   * Adds a function and returns its index. The index is fixed before `body` runs, so that a function may
   * call itself; functions it calls must have been added before.
   */
  function(
    parameters: readonly ValueType[],
    results: readonly ValueType[],
    body: (f: FunctionBuilder) => void,
  ): number {
    const entry: { type: number; code: Uint8Array | undefined } = {
      type: this.#type(parameters, results),
      code: undefined,
    };
    const index = this.#functions.push(entry) - 1;
    const builder = new FunctionBuilder(parameters);
    body(builder);
    entry.code = builder.encode();
    return index;
  }

  /** Adds bytes that functions copy into the memory with {@link FunctionBuilder.memoryInit}. */
  data(bytes: Uint8Array): number {
    return this.#segments.push(bytes) - 1;
  }

  export(name: string, index: number): void {
    this.#exports.push({ name, index });
  }

  /** The module's bytes, ready for `WebAssembly.compile`. */
  encode(): Uint8Array<ArrayBuffer> {
    const out = new ByteWriter();
    out.append(Uint8Array.of(0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00));
    section(out, 1, (w) => {
      w.unsigned(this.#typeBytes.length);
      for (const bytes of this.#typeBytes) w.append(bytes);
    });
    section(out, 2, (w) => {
      w.unsigned(1);
      w.name("env");
      w.name("memory");
      w.byte(0x02);
      w.byte(this.#memory.shared ? 0x03 : 0x01);
      w.unsigned(this.#memory.initial);
      w.unsigned(this.#memory.maximum);
    });
    section(out, 3, (w) => {
      w.unsigned(this.#functions.length);
      for (const { type } of this.#functions) w.unsigned(type);
    });
    section(out, 7, (w) => {
      w.unsigned(this.#exports.length);
      for (const { name, index } of this.#exports) {
        w.name(name);
        w.byte(0x00);
        w.unsigned(index);
      }
    });
    section(out, 12, (w) => w.unsigned(this.#segments.length));
    section(out, 10, (w) => {
      w.unsigned(this.#functions.length);
      for (const { code } of this.#functions) w.append(code ?? Uint8Array.of(2, 0, 0x0b));
    });
    section(out, 11, (w) => {
      w.unsigned(this.#segments.length);
      for (const bytes of this.#segments) {
        w.byte(0x01);
        w.unsigned(bytes.length);
        w.append(bytes);
      }
    });
    return out.view().slice();
  }

  #type(parameters: readonly ValueType[], results: readonly ValueType[]): number {
    const key = `${parameters.join(" ")}→${results.join(" ")}`;
    const known = this.#types.indexOf(key);
    if (known >= 0) return known;
    const w = new ByteWriter();
    w.byte(0x60);
    w.unsigned(parameters.length);
    for (const type of parameters) w.byte(valueTypeCodes[type]);
    w.unsigned(results.length);
    for (const type of results) w.byte(valueTypeCodes[type]);
    this.#typeBytes.push(w.view());
    return this.#types.push(key) - 1;
  }
}

function section(out: ByteWriter, id: number, body: (w: ByteWriter) => void): void {
  const content = new ByteWriter();
  body(content);
  out.byte(id);
  out.unsigned(content.length);
  out.append(content.view());
}
