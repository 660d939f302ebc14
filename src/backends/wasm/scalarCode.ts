/**
 * Vector code for scalar expressions. Expressions are first numbered: equal subexpressions, of one
 * object or of two, become one node, so that each is computed once and kept in a local while it is
 * needed.
 *
 * The code does exactly the operations of the expression, each rounded to float32. In particular
 * `a·b + c` stays a multiplication and an addition unless the expression says `multiplyAdd`: the
 * numbers are then those that anyone expects from the formula, whichever operations happen to be
 * fused into one kernel.
 */
import { GraphError } from "../../core/errors.ts";
import { type Expression, type ScalarFunction, scalarFunctions } from "../../graph/expression.ts";
import type { FunctionBuilder, Local } from "./assembler.ts";
import type { Instruction } from "./instructions.ts";
import type { KernelModule } from "./kernel.ts";
import { emitMath, type MathFunction, mathFunctions } from "./mathCode.ts";
import { laneSelect, vectorCode } from "./vectorCode.ts";

/** A numbered expression node; arguments are numbers of earlier nodes. */
type ScalarNode =
  | { readonly kind: "input"; readonly index: number }
  | { readonly kind: "constant"; readonly value: number }
  | {
      readonly kind: "call";
      readonly function: ScalarFunction;
      readonly arguments: readonly number[];
    };

/** Expressions as a list of distinct nodes, arguments first. */
export interface ScalarProgram {
  readonly nodes: readonly ScalarNode[];
  /** Node of each expression. */
  readonly outputs: readonly number[];
  /** How often each node is read, by nodes and outputs. */
  readonly uses: readonly number[];
  /** Text that is equal for equal programs only. */
  readonly key: string;
  /** What one evaluation costs, in additions. */
  readonly cost: number;
}

/** Numbers the distinct subexpressions of `expressions`. */
export function scalarProgram(expressions: readonly Expression[]): ScalarProgram {
  const nodes: ScalarNode[] = [];
  const texts: string[] = [];
  const byObject = new Map<Expression, number>();
  const byText = new Map<string, number>();
  const add = (text: string, node: ScalarNode): number => {
    let number = byText.get(text);
    if (number === undefined) {
      number = nodes.push(node) - 1;
      texts.push(text);
      byText.set(text, number);
    }
    return number;
  };
  const visit = (expression: Expression): number => {
    let number = byObject.get(expression);
    if (number !== undefined) return number;
    if (expression.kind === "input") {
      number = add(`x${expression.index}`, expression);
    } else if (expression.kind === "constant") {
      // The bits count: 0 and −0 are different constants.
      const value = Math.fround(expression.value);
      number = add(Object.is(value, -0) ? "-0" : String(value), { kind: "constant", value });
    } else {
      const operands = expression.arguments.map(visit);
      if (operands.length !== scalarFunctions[expression.function]) {
        throw new GraphError(
          `expression "${expression.function}": ${operands.length} arguments; expected ${scalarFunctions[expression.function]}.`,
        );
      }
      number = add(`${expression.function} ${operands.join(" ")}`, {
        kind: "call",
        function: expression.function,
        arguments: operands,
      });
    }
    byObject.set(expression, number);
    return number;
  };
  const outputs = expressions.map(visit);
  const uses = nodes.map(() => 0);
  let cost = 0;
  for (const node of nodes) {
    if (node.kind !== "call") continue;
    cost += costs[node.function] ?? 1;
    for (const argument of node.arguments) uses[argument]!++;
  }
  for (const output of outputs) uses[output]!++;
  return { nodes, outputs, uses, key: `${texts.join(";")}>${outputs.join(",")}`, cost };
}

/** Approximate cost in additions. */
const costs: Partial<Record<ScalarFunction, number>> = {
  divide: 4,
  squareRoot: 4,
  exponential: 20,
  logarithm: 30,
  tanh: 40,
  erf: 50,
  sine: 60,
  cosine: 60,
  power: 90,
};

const instructionOf: Partial<Record<ScalarFunction, Instruction>> = {
  add: "f32x4.add",
  subtract: "f32x4.sub",
  multiply: "f32x4.mul",
  divide: "f32x4.div",
  minimum: "f32x4.min",
  maximum: "f32x4.max",
  negate: "f32x4.neg",
  absolute: "f32x4.abs",
  squareRoot: "f32x4.sqrt",
  floor: "f32x4.floor",
  round: "f32x4.nearest",
};

const comparisonOf: Partial<Record<ScalarFunction, Instruction>> = {
  less: "f32x4.lt",
  lessEqual: "f32x4.le",
  equal: "f32x4.eq",
};

/**
 * Code for one evaluation of a program on four lanes. Outputs may be pushed in any order, each once
 * per occurrence in `program.outputs`; values with several readers live in locals until the last.
 */
export interface ScalarEvaluation {
  /** Pushes the value of output number `index`. */
  push(index: number): void;
}

/** Starts an evaluation; `loadInput` pushes the v128 of an input and is called once for each. */
export function evaluateProgram(
  f: FunctionBuilder,
  module: KernelModule,
  program: ScalarProgram,
  loadInput: (index: number) => void,
): ScalarEvaluation {
  const { nodes } = program;
  const pending = [...program.uses];
  const kept = new Map<number, Local>();
  const v = vectorCode(f);

  /** Pushes the raw value of a node: for a comparison the mask of lanes. */
  const raw = (number: number): void => {
    const node = nodes[number]!;
    if (node.kind === "constant") {
      f.get(f.constant("f32x4", node.value));
      return;
    }
    const known = kept.get(number);
    pending[number]!--;
    if (known !== undefined) {
      f.get(known);
      if (pending[number] === 0) {
        kept.delete(number);
        f.release(known);
      }
      return;
    }
    if (node.kind === "input") loadInput(node.index);
    else compute(node.function, node.arguments);
    if (pending[number]! > 0) {
      const local = f.local("v128");
      f.tee(local);
      kept.set(number, local);
    }
  };

  const isComparison = (number: number): boolean => {
    const node = nodes[number]!;
    return node.kind === "call" && comparisonOf[node.function] !== undefined;
  };
  const isZero = (number: number): boolean => {
    const node = nodes[number]!;
    return node.kind === "constant" && Object.is(node.value, 0);
  };

  /** Pushes the value of a node, 0 or 1 for a comparison. */
  const value = (number: number): void => {
    raw(number);
    if (isComparison(number)) f.get(f.constant("f32x4", 1)).op("v128.and");
  };

  /** Pushes a mask: all bits set in the lanes where the node is not 0. */
  const mask = (number: number): void => {
    raw(number);
    if (!isComparison(number)) f.get(f.constant("f32x4", 0)).op("f32x4.ne");
  };

  const compute = (name: ScalarFunction, operands: readonly number[]): void => {
    if (name === "select") {
      const [condition, then, otherwise] = operands as [number, number, number];
      if (isZero(otherwise)) {
        value(then);
        mask(condition);
        f.op("v128.and");
      } else if (isZero(then)) {
        value(otherwise);
        mask(condition);
        f.op("v128.andnot");
      } else {
        value(then);
        value(otherwise);
        mask(condition);
        f.op(laneSelect(module.features));
      }
      return;
    }
    if (name === "power") {
      const exponent = nodes[operands[1]!]!;
      if (exponent.kind === "constant" && isQuarter(exponent.value)) {
        value(operands[0]!);
        emitQuarterPower(f, exponent.value);
        return;
      }
    }
    if (name === "minimum" || name === "maximum") {
      // With a number on one side a single instruction will do; NaN on the other stays.
      const limit = operands.findIndex((operand) => {
        const node = nodes[operand]!;
        return node.kind === "constant" && !Number.isNaN(node.value);
      });
      if (limit >= 0) {
        value(operands[1 - limit]!);
        value(operands[limit]!);
        f.op(name === "minimum" ? "f32x4.pmin" : "f32x4.pmax");
        return;
      }
    }
    for (const operand of operands) value(operand);
    if (name === "multiplyAdd") {
      emitMultiplyAdd();
      return;
    }
    const instruction = instructionOf[name] ?? comparisonOf[name];
    if (instruction !== undefined) f.op(instruction);
    else if (Object.hasOwn(mathFunctions, name)) emitMath(f, name as MathFunction);
    else throw new GraphError(`expression: no WebAssembly code for "${name}".`);
  };

  /** Fused, or as matrix products do it where the engine has no fused operation. */
  const emitMultiplyAdd = (): void => {
    if (module.features.relaxedMadd) {
      f.op("f32x4.relaxed_madd");
      return;
    }
    const addend = f.local("v128");
    f.set(addend).op("f32x4.mul").get(addend).op("f32x4.add");
    f.release(addend);
  };

  /** Exponents for which square roots and products are shorter than the general power. */
  const isQuarter = (exponent: number): boolean =>
    Number.isInteger(exponent * 4) && Math.abs(exponent) <= 4;

  const emitQuarterPower = (builder: FunctionBuilder, exponent: number): void => {
    const whole = Math.floor(Math.abs(exponent));
    const quarters = (Math.abs(exponent) - whole) * 4;
    if (exponent === 0) {
      builder.op("drop").get(builder.constant("f32x4", 1));
      return;
    }
    const base = builder.local("v128");
    builder.set(base);
    // 1/x first, where it overflows or vanishes only if the result does; a fractional power of x
    // never does, so below 1 the reciprocal comes last.
    if (exponent <= -1) {
      v.push(v.div(1, base));
      builder.set(base);
    }
    const factors: (() => void)[] = [];
    const held = [base];
    if (whole % 2 === 1) factors.push(() => v.push(base));
    if (whole === 2 || whole === 3) factors.push(v.mul(base, base));
    if (whole === 4) {
      const square = v.evaluate(v.mul(base, base));
      factors.push(v.mul(square, square));
      held.push(square);
    }
    if (quarters > 0) {
      // −0 + 0 is 0, so that both zeros have the root 0.
      const root = v.evaluate(v.op("f32x4.sqrt", v.add(base, 0)));
      if (quarters === 2) factors.push(() => v.push(root));
      if (quarters === 1) factors.push(v.op("f32x4.sqrt", root));
      if (quarters === 3) factors.push(v.mul(v.op("f32x4.sqrt", root), root));
      held.push(root);
    }
    for (const [i, factor] of factors.entries()) {
      factor();
      if (i > 0) builder.op("f32x4.mul");
    }
    if (exponent < 0 && exponent > -1) {
      builder.set(base);
      v.push(v.div(1, base));
    }
    builder.release(...held);
  };

  return { push: (index) => value(program.outputs[index]!) };
}

/** Pushes the value of one expression on four lanes; `loadInput` pushes an input's v128. */
export function emitExpression(
  f: FunctionBuilder,
  module: KernelModule,
  expression: Expression,
  loadInput: (index: number) => void,
): void {
  evaluateProgram(f, module, scalarProgram([expression]), loadInput).push(0);
}
