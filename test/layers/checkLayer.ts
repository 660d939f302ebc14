import { expect } from "vitest";
import { gradients } from "../../src/autodiff/backward.ts";
import { reference } from "../../src/backends/reference/backend.ts";
import type { TensorData } from "../../src/core/dtype.ts";
import { RandomStream } from "../../src/core/random.ts";
import { elementCount, type Shape } from "../../src/core/shape.ts";
import { GraphBuilder, type Value } from "../../src/graph/builder.ts";
import { input as element, scalar as s } from "../../src/graph/expression.ts";
import { add, divide, multiply, subtract } from "../../src/graph/ops/binary.ts";
import { elementwise } from "../../src/graph/ops/elementwise.ts";
import { randomKeyInput } from "../../src/graph/ops/random.ts";
import { reduceSum } from "../../src/graph/ops/reduce.ts";
import { print } from "../../src/graph/print.ts";
import { type BuiltNet, buildNet, initialize, type Layer, layer } from "../../src/layers/layer.ts";
import { layerFromJson, layerToJson } from "../../src/layers/layerJson.ts";

/** What {@link checkLayer} holds a layer to. */
export interface Expectation {
  /** One shape for each input. */
  readonly inputs: readonly Shape[];
  readonly output: Shape;
  /** Parameters and buffers in order; buffers have a `~` in front of their names. */
  readonly parameters: Readonly<Record<string, Shape>>;
  /** Whether the output depends on the phase. Default false. */
  readonly phaseMatters?: boolean;
  /** Multiply-adds. Default 0. */
  readonly macs?: number;
}

/** Keeps running statistics as they are, so that a net can stand in one graph several times. */
class BuilderWithoutUpdates extends GraphBuilder {
  override update(): void {}
}

const inputName = (index: number) => `x${index}`;

/** A layer of several inputs as a net of one: the inputs come beside it. */
function build(
  inner: Layer,
  builder: GraphBuilder,
  inputs: readonly Value[],
  training: boolean,
  substitute: (name: string, value: Value) => Value = (_, value) => value,
): BuiltNet {
  const all = layer("all", {}, (_, scope) => scope.inline(inner, ...inputs));
  return buildNet(all, { builder, input: inputs[0]!, training, substitute });
}

function makeInputs(builder: GraphBuilder, shapes: readonly Shape[]): Value[] {
  return shapes.map((shape, i) => builder.input(inputName(i), shape));
}

/** Numbers round 0, none closer to it than 0.05, so that corners of ReLU and its kin are not met. */
function feedsFor(shapes: readonly Shape[]): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = { [randomKeyInput]: Int32Array.of(3, 5) };
  shapes.forEach((shape, i) => {
    const stream = new RandomStream(7, inputName(i));
    feeds[inputName(i)] = Float32Array.from({ length: elementCount(shape) }, () => {
      const x = stream.normal();
      return x + 0.05 * Math.sign(x);
    });
  });
  return feeds;
}

function printed(inner: Layer, shapes: readonly Shape[], training: boolean): string {
  const builder = new GraphBuilder({ keepComposites: true });
  builder.output("y", build(inner, builder, makeInputs(builder, shapes), training).output);
  return print(builder.finish());
}

/**
 * Holds a layer to its word on the reference backend: shapes; names, shapes and order of what it declares, the same in
 * both phases; the same numbers under a seed and others under another; a round trip through JSON; its gradient,
 * against a difference quotient along a random direction, in both phases; and whether the phase matters.
 */
export async function checkLayer(inner: Layer, expectation: Expectation): Promise<void> {
  const { inputs: shapes, output, parameters, phaseMatters = false, macs = 0 } = expectation;
  const again = layerFromJson(JSON.parse(JSON.stringify(layerToJson(inner))));
  const outputs: TensorData[] = [];
  for (const training of [false, true]) {
    const builder = new GraphBuilder();
    const net = build(inner, builder, makeInputs(builder, shapes), training);
    expect(net.output.shape).toEqual(output);
    expect(net.output.dtype).toBe("float32");
    const declared = net.parameters.map(({ name, kind, shape }) => [
      kind === "buffer" ? `~${name}` : name,
      shape,
    ]);
    expect(declared).toEqual(Object.entries(parameters));
    expect(net.records.at(-1)!.macs).toBe(macs);
    const weights = initialize(net.parameters, 1);
    expect(initialize(net.parameters, 1)).toEqual(weights);
    expect(printed(again, shapes, training)).toBe(printed(inner, shapes, training));
    outputs.push(await checkGradient(inner, shapes, training, perturbed(weights)));
  }
  const same = outputs[0]!.every((y, i) => Math.abs(y - outputs[1]![i]!) < 1e-6);
  expect(same, "whether both phases give the same").toBe(!phaseMatters);
}

/** Weights moved a little, so that those that begin as 0 or 1 are not special. */
function perturbed(weights: Record<string, TensorData>): Record<string, TensorData> {
  return Object.fromEntries(
    Object.entries(weights).map(([name, data]) => {
      const stream = new RandomStream(11, name);
      return [name, Float32Array.from(data, (w) => w + 0.3 * stream.uniform() + 0.05)];
    }),
  );
}

/** Compares `⟨gradient, d⟩` with `(L(x + hd) − L(x − hd))/2h`, all in float64, and returns the output. */
async function checkGradient(
  inner: Layer,
  shapes: readonly Shape[],
  training: boolean,
  weights: Record<string, TensorData>,
): Promise<TensorData> {
  const step = 1e-5;
  const builder = new BuilderWithoutUpdates();
  const xs = makeInputs(builder, shapes);
  const direction = (name: string, value: Value) => {
    const stream = new RandomStream(13, name);
    const data = Float32Array.from({ length: elementCount(value.shape) }, () => stream.normal());
    return builder.constant(data, value.shape);
  };
  const moved = (sign: number) => (name: string, value: Value) =>
    elementwise([value, direction(name, value)], s.add(element(0), s.mul(sign * step, element(1))));
  const loss = (y: Value) => reduceSum(multiply(y, direction("upstream", y)));
  const lossAt = (sign: number) => {
    const points = xs.map((x, i) => moved(sign)(inputName(i), x));
    return loss(build(inner, builder, points, training, moved(sign)).output);
  };
  const net = build(inner, builder, xs, training);
  const trained = net.parameters.filter(({ kind }) => kind === "parameter");
  const named = [
    ...xs.map((value, i) => ({ name: inputName(i), value })),
    ...trained.map(({ name, value }) => ({ name, value })),
  ];
  const slopes = gradients(
    loss(net.output),
    named.map(({ value }) => value),
  );
  const products = slopes.map((slope, i) =>
    reduceSum(multiply(slope, direction(named[i]!.name, slope))),
  );
  const expected = divide(subtract(lossAt(1), lossAt(-1)), 2 * step);
  const analytic = products.reduce((a, b) => add(a, b));
  builder.output("y", net.output);
  builder.output("analytic", analytic);
  builder.output("difference", subtract(analytic, expected));

  const session = await reference().open();
  const program = await session.compile(builder.finish());
  for (const [name, data] of Object.entries(weights)) {
    if (session.states.includes(name)) await session.write(name, data);
  }
  const feeds = feedsFor(shapes);
  const fetched = await program.run(feeds);
  expect((await program.run(feeds)).y).toEqual(fetched.y);
  await session.close();
  const scale = Math.max(1, Math.abs(fetched.analytic![0]!));
  // float64 throughout: h² of truncation and 1e-16/h of rounding, with room for steep functions.
  expect(Math.abs(fetched.difference![0]!) / scale).toBeLessThan(1e-6);
  return fetched.y!;
}
