import type { DType } from "../core/dtype.ts";
import type { Shape } from "../core/shape.ts";
import type { GraphBuilder, Value } from "../graph/builder.ts";
import { randomUniform } from "../graph/ops/random.ts";
import { constant } from "../initializers/basic.ts";
import type { Initializer } from "../initializers/initializer.ts";
import type { Build, Layer } from "./layer.ts";

/** Where a layer stands while its net is being built: it gives names, parameters and randomness. */
export class Scope {
  readonly #build: Build;
  readonly #own: string[] = [];
  /** Path of the module in PyTorch, empty for the net itself. */
  readonly path: string;
  /** Whether this is part of a head that serves training only. */
  readonly inAuxiliary: boolean;

  constructor(build: Build, path: string, inAuxiliary = false) {
    this.#build = build;
    this.path = path;
    this.inAuxiliary = inAuxiliary;
  }

  get builder(): GraphBuilder {
    return this.#build.builder;
  }

  get training(): boolean {
    return this.#build.training;
  }

  /** Whether dropout and stochastic depth drop anything. */
  get drops(): boolean {
    return this.#build.dropout;
  }

  /** Names of the parameters and buffers that were declared in this very scope. */
  get declared(): readonly string[] {
    return this.#own;
  }

  /** Has tables count parameters of an enclosing scope, by their full names, as this layer's. */
  adopt(names: readonly string[]): void {
    this.#own.push(...names);
  }

  /** Whether the parameter `name` of this layer is frozen. */
  isFrozen(name: string): boolean {
    return this.#build.frozen(this.#join(name));
  }

  /** A trained tensor. */
  parameter(name: string, shape: Shape, initializer: Initializer): Value {
    const value = this.#declare(name, shape, "float32", "parameter", initializer);
    return this.#build.substitute(this.#join(name), value);
  }

  /** A tensor that is kept but not trained; change it with {@link update}. */
  buffer(
    name: string,
    shape: Shape,
    initial: number | Initializer = 0,
    dtype: DType = "float32",
  ): Value {
    const initializer = typeof initial === "number" ? constant(initial) : initial;
    return this.#declare(name, shape, dtype, "buffer", initializer);
  }

  /** While training, what a buffer will be after this step. */
  update(buffer: Value, value: Value): void {
    if (this.training) this.builder.update(buffer, value);
  }

  /** Uniform numbers in [0, 1) of this layer's own stream, new in each run. */
  random(name: string, shape: Shape): Value {
    return randomUniform(this.builder, this.#join(name), shape);
  }

  /** Applies a layer under a name of its own: a module in PyTorch. */
  apply(name: string, applied: Layer, ...inputs: readonly Value[]): Value {
    const scope = new Scope(this.#build, this.#join(name), this.inAuxiliary);
    return this.#build.apply(applied, inputs, scope);
  }

  /**
   * Applies a layer without a name of its own: in PyTorch a function, or a parameter of the module at hand. What it
   * declares belongs to this scope's path.
   */
  inline(applied: Layer, ...inputs: readonly Value[]): Value {
    const { type: _, ...nameless } = applied;
    const scope = new Scope(this.#build, this.path, this.inAuxiliary);
    return this.#build.apply(nameless, inputs, scope);
  }

  /**
   * Applies a head whose output is a further output while training, with a loss of the given weight. It is built
   * otherwise too, so that a net declares the same parameters for every purpose.
   */
  auxiliary(name: string, head: Layer, input: Value, weight: number): void {
    const path = this.#join(name);
    const value = this.#build.apply(head, [input], new Scope(this.#build, path, true));
    if (this.training) this.#build.auxiliary.push({ name: path, value, weight });
  }

  /**
   * Says in which order PyTorch registers modules of this scope, where it is not that of their first use. Those not
   * named follow.
   */
  order(names: readonly string[]): void {
    this.#build.childOrder.set(this.path, names);
  }

  #join(name: string): string {
    if (this.path === "") return name;
    return name === "" ? this.path : `${this.path}.${name}`;
  }

  #declare(
    name: string,
    shape: Shape,
    dtype: DType,
    kind: "parameter" | "buffer",
    initializer: Initializer,
  ): Value {
    const path = this.#join(name);
    this.#own.push(path);
    const auxiliary = this.inAuxiliary;
    return this.#build.declare({ name: path, shape, dtype, kind, auxiliary, initializer });
  }
}
