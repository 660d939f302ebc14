import { rowMajorStrides } from "../../../core/shape.ts";
import type { MomentsAttributes } from "../../../graph/ops/moments.ts";
import { type ReduceAttributes, type ReduceKind, reducedShape } from "../../../graph/ops/reduce.ts";
import { forEachIndex, type Tensor, zeros } from "../tensor.ts";
import { applyExpressions } from "./elementwise.ts";

const rules: { readonly [K in ReduceKind]: { start: number; join(a: number, b: number): number } } =
  {
    sum: { start: 0, join: (a, b) => a + b },
    product: { start: 1, join: (a, b) => a * b },
    maximum: { start: Number.NEGATIVE_INFINITY, join: Math.max },
    minimum: { start: Number.POSITIVE_INFINITY, join: Math.min },
  };

function reduceTensor(x: Tensor, axes: readonly number[], kind: ReduceKind): Tensor {
  const y = zeros(reducedShape(x.shape, axes, true));
  const { start, join } = rules[kind];
  y.data.fill(start);
  const steps = rowMajorStrides(y.shape).map((step, axis) => (axes.includes(axis) ? 0 : step));
  forEachIndex(x.shape, (index, flat) => {
    let place = 0;
    for (let axis = 0; axis < steps.length; axis++) place += steps[axis]! * index[axis]!;
    y.data[place] = join(y.data[place]!, x.data[flat]!);
  });
  return y;
}

export function reduce(inputs: readonly Tensor[], attributes: ReduceAttributes): Tensor[] {
  const { axes, kind, keepDims, expressions } = attributes;
  return applyExpressions(inputs, expressions).map((x) => ({
    shape: reducedShape(x.shape, axes, keepDims),
    data: reduceTensor(x, axes, kind).data,
  }));
}

export function moments([x]: readonly Tensor[], { axes }: MomentsAttributes): Tensor[] {
  const count = axes.reduce((n, axis) => n * x!.shape[axis]!, 1);
  const mean = reduceTensor(x!, axes, "sum");
  for (let i = 0; i < mean.data.length; i++) mean.data[i]! /= count;
  const [squares] = applyExpressions(
    [x!, mean],
    [
      {
        kind: "call",
        function: "power",
        arguments: [
          {
            kind: "call",
            function: "subtract",
            arguments: [
              { kind: "input", index: 0 },
              { kind: "input", index: 1 },
            ],
          },
          { kind: "constant", value: 2 },
        ],
      },
    ],
  );
  const variance = reduceTensor(squares!, axes, "sum");
  for (let i = 0; i < variance.data.length; i++) variance.data[i]! /= count;
  return [mean, variance];
}
