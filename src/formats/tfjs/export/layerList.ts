import { FormatError } from "../../../core/errors.ts";
import type { Shape } from "../../../core/shape.ts";
import { transposed } from "../../strided.ts";
import type { WritableTensor } from "../../tensorFile.ts";

/** A layer of a Keras model, as `model.json` has it. */
export interface WrittenLayer {
  readonly name: string;
  readonly class_name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inbound_nodes: readonly unknown[];
}

/** Where a variable of a layer comes from. */
export interface VariableOrigin {
  /** Name of the graph's state. */
  readonly state: string;
  /** Shape under which the state is read. */
  readonly shape: Shape;
  /** Axis `i` of the variable is axis `order[i]` of the state. */
  readonly order: readonly number[];
}

/** Layers and variables of a Keras model under construction. */
export class LayerList {
  readonly layers: WrittenLayer[] = [];
  /** By the variable's name: `conv1/kernel`. */
  readonly variables = new Map<string, VariableOrigin>();
  readonly #taken = new Set<string>();

  /** Appends a layer and returns its name. */
  add(
    className: string,
    name: string,
    inputs: readonly string[],
    config: Readonly<Record<string, unknown>> = {},
    variables: Readonly<Record<string, VariableOrigin>> = {},
  ): string {
    const unique = this.#unique(name);
    const nodes = inputs.length === 0 ? [] : [inputs.map((input) => [input, 0, 0, {}])];
    this.layers.push({
      name: unique,
      class_name: className,
      config: { name: unique, trainable: true, ...config },
      inbound_nodes: nodes,
    });
    for (const [variable, origin] of Object.entries(variables)) {
      this.variables.set(`${unique}/${variable}`, origin);
    }
    return unique;
  }

  #unique(base: string): string {
    let name = base;
    for (let i = 2; this.#taken.has(name); i++) name = `${base}_${i}`;
    this.#taken.add(name);
    return name;
  }
}

/** The variables' numbers, in Keras's layout. */
export function variableTensors(
  variables: ReadonlyMap<string, VariableOrigin>,
  states: ReadonlyMap<string, WritableTensor>,
): Map<string, WritableTensor> {
  return new Map(
    [...variables].map(([name, { state, shape, order }]) => [
      name,
      {
        shape: order.map((axis) => shape[axis]!),
        data: transposed(states.get(state)!.data, shape, order),
      },
    ]),
  );
}

/** The states again, from the variables' numbers: what {@link variableTensors} did, undone. */
export function restoredStates(
  variables: ReadonlyMap<string, VariableOrigin>,
  tensors: ReadonlyMap<string, WritableTensor>,
): Map<string, WritableTensor> {
  return new Map(
    [...variables].map(([name, { state, shape, order }]) => {
      const tensor = tensors.get(name);
      if (tensor === undefined) throw new FormatError(`tfjs: there is no variable "${name}".`);
      const back = order.map((_, axis) => order.indexOf(axis));
      return [state, { shape, data: transposed(tensor.data, tensor.shape, back) }];
    }),
  );
}
