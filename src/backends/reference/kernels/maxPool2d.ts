import type { TensorType } from "../../../graph/graph.ts";
import type { MaxPool2dAttributes } from "../../../graph/ops/maxPool2d.ts";
import { forEachIndex, type Tensor, zeros } from "../tensor.ts";

export function maxPool2d(
  [x]: readonly Tensor[],
  { rows, columns }: MaxPool2dAttributes,
  [type]: readonly TensorType[],
): Tensor[] {
  const [, c, h, w] = x!.shape as [number, number, number, number];
  const y = zeros(type!.shape);
  const switches = zeros(type!.shape);
  forEachIndex(y.shape, (index, flat) => {
    const [image, channel, p, q] = index as [number, number, number, number];
    const plane = (image * c + channel) * h * w;
    const [vertical, horizontal] = [rows[p]!, columns[q]!];
    let best = Number.NEGATIVE_INFINITY;
    let place = vertical.start * w + horizontal.start;
    search: for (let i = 0; i < vertical.count; i++) {
      for (let j = 0; j < horizontal.count; j++) {
        const here =
          (vertical.start + i * vertical.step) * w + horizontal.start + j * horizontal.step;
        const value = x!.data[plane + here]!;
        if (value > best || Number.isNaN(value)) {
          best = value;
          place = here;
          if (Number.isNaN(value)) break search;
        }
      }
    }
    y.data[flat] = best;
    switches.data[flat] = place;
  });
  return [y, switches];
}

function switchTargets(
  switches: Tensor,
  plane: number,
  visit: (flat: number, target: number) => void,
): void {
  const perPlane = switches.shape[2]! * switches.shape[3]!;
  switches.data.forEach((place, flat) => {
    visit(flat, Math.floor(flat / perPlane) * plane + place);
  });
}

export function maxUnpool2d(
  [dy, switches]: readonly Tensor[],
  _: unknown,
  [type]: readonly TensorType[],
): Tensor[] {
  const dx = zeros(type!.shape);
  switchTargets(switches!, type!.shape[2]! * type!.shape[3]!, (flat, target) => {
    dx.data[target]! += dy!.data[flat]!;
  });
  return [dx];
}

export function gatherSwitches([x, switches]: readonly Tensor[]): Tensor[] {
  const y = zeros(switches!.shape);
  switchTargets(switches!, x!.shape[2]! * x!.shape[3]!, (flat, target) => {
    y.data[flat] = x!.data[target]!;
  });
  return [y];
}
