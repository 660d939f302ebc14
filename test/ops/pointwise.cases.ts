import { input, scalar as s } from "../../src/graph/expression.ts";
import { type BinaryName, binaryFunctions, binaryOp, select } from "../../src/graph/ops/binary.ts";
import { elementwise, elementwiseOp } from "../../src/graph/ops/elementwise.ts";
import { type OpCase, type OpInput, uniform } from "./opCase.ts";

const positive = [0.5, 2] as const;

/** Operands where the function is smooth. */
function operands(name: BinaryName): readonly [Omit<OpInput, "shape">, Omit<OpInput, "shape">] {
  if (name === "divide") return [{}, { range: positive }];
  if (name === "power") return [{ range: positive }, {}];
  if (["minimum", "maximum", "less", "lessEqual", "equal"].includes(name)) {
    return [{ distinct: { step: 0.2 } }, { distinct: { step: 0.2, offset: 0.1 } }];
  }
  return [{}, {}];
}

export function binaryCases(): OpCase[] {
  const shapes = [
    [
      [2, 3, 4],
      [2, 3, 4],
    ],
    [
      [2, 3, 2, 2],
      [3, 1, 1],
    ],
    [[4], [3, 1]],
    [[], [5]],
  ] as const;
  return binaryFunctions.flatMap((name) =>
    shapes.map(([a, b]): OpCase => {
      const [first, second] = operands(name);
      return {
        name: `${name} [${a}] [${b}]`,
        inputs: [
          { shape: a, ...first },
          { shape: b, ...second },
        ],
        build: ([x, y], builder) => builder.add(binaryOp, [x!, y!], { function: name })[0]!,
      };
    }),
  );
}

export const elementwiseCases: readonly OpCase[] = [
  {
    name: "two outputs over three inputs that broadcast",
    inputs: uniform([2, 3, 4], [3, 1], [4]),
    build: (inputs, builder) =>
      builder.add(elementwiseOp, inputs, {
        expressions: [
          s.mul(input(0), s.add(input(1), s.mul(input(2), input(2)))),
          s.tanh(s.sub(input(0), input(2))),
        ],
      }),
  },
  {
    name: "the branch not taken may be infinite",
    inputs: [{ shape: [12], avoid: [0] }],
    build: ([x]) =>
      elementwise([x!], s.select(s.less(0, input(0)), s.log(input(0)), s.exp(input(0)))),
  },
  {
    name: "select by a condition",
    inputs: [
      { shape: [2, 4], range: [-1, 1], avoid: [0], gradient: false },
      ...uniform([2, 4], [4]),
    ],
    build: ([c, x, y]) => select(c!, x!, y!),
  },
  {
    name: "int32 operands",
    inputs: [{ shape: [3, 4], dtype: "int32", range: [-3, 3] }, { shape: [3, 4] }],
    build: ([n, x]) => elementwise([n!, x!], s.mul(s.add(input(0), 0.5), input(1))),
  },
  {
    name: "powers of negative numbers",
    inputs: [{ shape: [6], range: [-2, -0.5] }],
    build: ([x]) => elementwise([x!], s.add(s.pow(input(0), 3), s.pow(input(0), 2))),
  },
];
