import { expect, test } from "vitest";
import { reference } from "../backends/reference/backend.ts";
import { wasm } from "../backends/wasm/backend.ts";
import { GraphBuilder } from "./builder.ts";
import { conv2d } from "./ops/conv2d.ts";
import { matmul } from "./ops/matmul.ts";
import { maxPool2d } from "./ops/maxPool2d.ts";
import { relu } from "./ops/unary.ts";

const image = (builder: GraphBuilder) => builder.input("x", [1, 4, 9, 9]);
const weight = (builder: GraphBuilder) => builder.input("w", [4, 4, 3, 3]);

test.each<[string, (builder: GraphBuilder) => unknown, string | RegExp]>([
  [
    "an update of what is no state",
    (b) => b.update(image(b), relu(image(b))),
    /update: float32\[1, 4, 9, 9\] is no state/,
  ],
  [
    "whole numbers where real ones belong",
    (b) => matmul(b.input("i", [2, 2], "int32"), b.input("a", [2, 2])),
    'matmul "matmul": an input is int32[2, 2]; float32 is expected',
  ],
  [
    "channels that do not fit, outside of any scope",
    (b) => conv2d(image(b), b.input("w", [4, 3, 3, 3])),
    /^conv2d: input has 4 channels/,
  ],
  [
    "channels that do not fit, by name",
    (b) => b.within("conv1", () => conv2d(image(b), b.input("w", [4, 3, 3, 3]))),
    /^conv2d "conv1": input has 4 channels/,
  ],
  [
    "a padding that there is not",
    (b) => conv2d(image(b), weight(b), { padding: "smae" as "same" }),
    'padding "smae": expected numbers, valid, same, sameUpper or sameLower',
  ],
  [
    "a fit that there is not",
    (b) => maxPool2d(image(b), { kernel: 2, fit: "flor" as "floor" }),
    'fit "flor": expected strict, floor or ceil',
  ],
  [
    "an option that there is not",
    (b) => maxPool2d(image(b), { kernel: 3, ...{ stide: 2 } }),
    'unknown option "stide". Did you mean "stride"?',
  ],
  [
    "a bias of another size",
    (b) => conv2d(image(b), weight(b), { bias: b.input("b", [5]) }),
    "bias [5] for [1, 4, 7, 7]: expected [4]",
  ],
])("%s is refused", (_, build, message) => {
  expect(() => build(new GraphBuilder())).toThrow(message);
});

test.each([reference(), wasm({ threads: 1 })])(
  "$name refuses what is fed wrongly",
  async (backend) => {
    const builder = new GraphBuilder();
    builder.output("y", relu(builder.input("x", [2])));
    const session = await backend.open();
    const program = await session.compile(builder.finish());
    const fed = (x?: unknown) => program.run((x === undefined ? {} : { x }) as never);
    await expect(fed()).rejects.toThrow('input "x" [2] was not fed');
    await expect(fed(new Float32Array(3))).rejects.toThrow("2 elements; 3 were fed");
    await expect(fed(new Int32Array(2))).rejects.toThrow('"x" is float32; an Int32Array was fed');
    await expect(fed(new Float64Array(2))).rejects.toThrow("a Float64Array was fed");
    await expect(fed([1, 2])).rejects.toThrow("an Array was fed, a Float32Array");
    // And goes on working.
    expect([...(await fed(Float32Array.of(-1, 2))).y!]).toEqual([0, 2]);
    await session.close();
  },
);
