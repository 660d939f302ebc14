import { FormatError, OptionError, ShapeError } from "../../core/errors.ts";
import { checkShape, formatShape, type Shape } from "../../core/shape.ts";
import type { ElementType } from "../elementType.ts";
import { elementTypeOf } from "./proto/dataTypes.ts";
import type { GraphProto, ValueInfoProto } from "./proto/messages.generated.ts";

/** An input as the model declares it. */
export interface DeclaredInput {
  readonly name: string;
  readonly elementType: ElementType;
  /** A number, a name that stands for one, or nothing where the model leaves a size open. */
  readonly sizes: readonly (number | string)[] | undefined;
}

/** The inputs that a graph is fed with: those without an initializer, which old files list too. */
export function declaredInputs(graph: GraphProto): DeclaredInput[] {
  const initialized = new Set(graph.initializer.map(({ name }) => name));
  return graph.input.filter(({ name }) => !initialized.has(name)).map(declaredInput);
}

function declaredInput(info: ValueInfoProto): DeclaredInput {
  const where = `onnx: input "${info.name}"`;
  const tensor = info.type?.tensorType;
  if (tensor === undefined) throw new FormatError(`${where}: it is no tensor; tensors are read.`);
  return {
    name: info.name,
    elementType: elementTypeOf(tensor.elemType, where),
    sizes: tensor.shape?.dim.map(({ value }) => {
      if (value.case === "dimValue") return Number(value.value);
      return value.case === "dimParam" ? value.value : "";
    }),
  };
}

/** What fills the sizes that a model leaves open. */
export interface SizeOptions {
  /** Sizes by the name that the model gives them: `{ batch: 8 }`. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Whole shapes by the name of the input. */
  readonly shapes?: Readonly<Record<string, Shape>>;
}

/**
 * The shape of an input under these options.
 * @throws {@link OptionError} for a size that is open still, {@link ShapeError} where a shape contradicts the model.
 */
export function inputShape(input: DeclaredInput, options: SizeOptions): Shape {
  const { name, sizes } = input;
  const where = `onnx: input "${name}"`;
  const given =
    options.shapes !== undefined && Object.hasOwn(options.shapes, name)
      ? options.shapes[name]
      : undefined;
  const declared = sizes?.map((size) => {
    const { dimensions = {} } = options;
    return typeof size === "string" && Object.hasOwn(dimensions, size) ? dimensions[size]! : size;
  });
  const text = formatShape((declared ?? []).map((size) => (size === "" ? "?" : size)) as number[]);
  if (given !== undefined) {
    const fits =
      declared === undefined ||
      (declared.length === given.length &&
        declared.every((size, axis) => typeof size === "string" || size === given[axis]));
    if (!fits)
      throw new ShapeError(`${where}: shape ${formatShape(given)}; the model has ${text}.`);
    checkShape(given, where, 0);
    return given;
  }
  if (declared === undefined) {
    throw new OptionError(`${where}: the model does not say its shape; give it in \`shapes\`.`);
  }
  const open = declared.find((size) => typeof size === "string");
  if (open !== undefined) {
    const how = open === "" ? "`shapes`" : `\`dimensions\`: { ${JSON.stringify(open)}: … }`;
    throw new OptionError(`${where}: shape ${text} has an open size; give it in ${how}.`);
  }
  const shape = declared as number[];
  checkShape(shape, where, 0);
  return shape;
}
