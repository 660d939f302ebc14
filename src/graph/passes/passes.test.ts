import { expect, test } from "vitest";
import { gradients } from "../../autodiff/backward.ts";
import { GraphBuilder } from "../builder.ts";
import { add, multiply, subtract } from "../ops/binary.ts";
import { conv2d } from "../ops/conv2d.ts";
import { batchNormOp } from "../ops/normalization.ts";
import { reduceMean } from "../ops/reduce.ts";
import { relu, square } from "../ops/unary.ts";
import { print } from "../print.ts";
import { optimize } from "./index.ts";

test("a chain of element-wise operations becomes one", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", [2, 3]);
  builder.output("y", relu(add(multiply(x, 2), 1)));
  expect(print(optimize(builder.finish()))).toMatchInlineSnapshot(`
    "%0 = input() : float32[2, 3]  # x
    %1 = elementwise(%0) expressions=maximum(((x0 * 2) + 1), 0) : float32[2, 3]  # relu
    output "y" = %1"
  `);
});

test("an optimiser's update with its slot becomes one operation", () => {
  const builder = new GraphBuilder();
  const weight = builder.state("weight", [8]);
  const momentum = builder.state("momentum", [8]);
  const gradient = builder.input("gradient", [8]);
  const velocity = add(multiply(momentum, 0.9), gradient);
  builder.update(momentum, velocity);
  builder.update(weight, subtract(weight, multiply(velocity, 0.1)));
  expect(print(optimize(builder.finish()))).toMatchInlineSnapshot(`
    "%0 = state() initial=0 : float32[8]  # weight
    %1 = state() initial=0 : float32[8]  # momentum
    %2 = input() : float32[8]  # gradient
    %3, %4 = elementwise(%1, %2, %0) expressions=((x0 * 0.9) + x1); (x2 - (((x0 * 0.9) + x1) * 0.1)) : float32[8], float32[8]  # add
    update %1 ← %3
    update %0 ← %4"
  `);
});

test("a merged operation may read what an earlier merged operation makes", () => {
  const builder = new GraphBuilder();
  const rate = builder.input("rate", []);
  const step = builder.state("step", []);
  const sum = builder.state("sum", [4]);
  const x = builder.input("x", [4]);
  builder.update(step, add(step, 1));
  const total = add(sum, square(x));
  builder.update(sum, total);
  // Joins the new step, and is read by what joins the new sum.
  const scaled = multiply(rate, step);
  builder.output("scaled", scaled);
  builder.output("y", multiply(total, scaled));
  const graph = optimize(builder.finish());
  expect(graph.nodes.filter((node) => node.op === "elementwise")).toHaveLength(2);
});

test("the gradient of batch norm and relu is one reduction and one element-wise operation", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", [4, 3, 5, 5]);
  const scale = builder.state("scale", [3], { initial: 1 });
  const bias = builder.state("bias", [3]);
  const attributes = { eps: 1e-5, training: true, affine: true };
  const [y] = builder.add(batchNormOp, [x, scale, bias], attributes, "bn");
  const loss = reduceMean(square(relu(y!)));
  const [dx, dScale, dBias] = gradients(loss, [x, scale, bias]);
  builder.output("dx", dx!);
  builder.output("dScale", dScale!);
  builder.output("dBias", dBias!);
  const graph = optimize(builder.finish());
  const large = graph.nodes.filter(
    (node) =>
      node.op !== "input" &&
      [...node.inputs, ...node.outputs].some((id) => graph.values[id]!.shape.join() === "4,3,5,5"),
  );
  expect(large.map((node) => node.op)).toEqual(["moments", "reduce", "elementwise"]);
});

test("batch norm disappears into the convolution before it at inference", () => {
  const builder = new GraphBuilder({ keepComposites: true });
  const x = builder.input("x", [1, 3, 8, 8]);
  const weight = builder.state("conv.weight", [4, 3, 3, 3]);
  const y = conv2d(x, weight, { padding: 1 });
  const parameters = ["weight", "bias", "mean", "var"].map((name) => builder.state(name, [4]));
  const attributes = { eps: 1e-5, training: false, affine: true };
  const [z] = builder.add(batchNormOp, [y, ...parameters], attributes, "bn");
  builder.output("z", relu(z!));
  expect(print(optimize(builder.finish()))).toMatchInlineSnapshot(`
    "%0 = input() : float32[1, 3, 8, 8]  # x
    %1 = state() initial=0 : float32[4, 3, 3, 3]  # conv.weight
    %2 = state() initial=0 : float32[4]  # weight
    %3 = state() initial=0 : float32[4]  # bias
    %4 = state() initial=0 : float32[4]  # mean
    %5 = state() initial=0 : float32[4]  # var
    %6, %7 = elementwise(%2, %5, %3, %4) expressions=(x0 * (1 / squareRoot((x1 + 0.00001)))); (x2 - (x3 * (x0 * (1 / squareRoot((x1 + 0.00001)))))) : float32[4], float32[4]  # multiply
    %8 = reshape(%6) shape=[4, 1, 1, 1] : float32[4, 1, 1, 1]  # reshape
    %9 = elementwise(%1, %8) expressions=(x0 * x1) : float32[4, 3, 3, 3]  # multiply
    %10 = conv2d(%0, %9) stride=[1, 1] padding=[1, 1, 1, 1] dilation=[1, 1] groups=1 fit=strict : float32[1, 4, 8, 8]
    %11 = reshape(%7) shape=[4, 1, 1] : float32[4, 1, 1]  # reshape
    %12 = elementwise(%10, %11) expressions=maximum((x0 + x1), 0) : float32[1, 4, 8, 8]  # relu
    output "z" = %12"
  `);
});

test("what is asked for twice is computed once, what nobody needs never", () => {
  const builder = new GraphBuilder();
  const x = builder.input("x", [1, 1, 4, 4]);
  const weight = builder.state("weight", [1, 1, 3, 3]);
  const a = conv2d(x, weight);
  const b = conv2d(x, weight);
  conv2d(x, weight, { padding: 1 });
  builder.output("sum", add(a, b));
  const graph = optimize(builder.finish());
  expect(graph.nodes.filter((node) => node.op === "conv2d")).toHaveLength(1);
});
