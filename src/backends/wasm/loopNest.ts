/**
 * Loops over several tensors at once: axes with one step per operand, merged where all operands
 * allow it, and the code that walks a range of positions and keeps an address per operand.
 */
import type { FunctionBuilder, Local } from "./assembler.ts";
import type { View } from "./layout.ts";

/** One loop: how often, and how far each operand moves per round, in elements. */
export interface LoopAxis {
  readonly size: number;
  readonly steps: readonly number[];
}

/**
 * The loops over `axes` of views of one shape, in this order (outermost first). Axes of size 1
 * vanish; neighbours merge where one long loop visits the same elements.
 */
export function loopsOver(views: readonly View[], axes: readonly number[]): LoopAxis[] {
  const shape = views[0]?.shape ?? [];
  const loops: LoopAxis[] = [];
  for (const axis of axes) {
    const size = shape[axis]!;
    if (size === 1) continue;
    const steps = views.map((view) => view.strides[axis]!);
    const outer = loops.at(-1);
    if (outer?.steps.every((step, i) => step === steps[i]! * size)) {
      loops[loops.length - 1] = { size: outer.size * size, steps };
    } else {
      loops.push({ size, steps });
    }
  }
  return loops;
}

/** Number of positions that loops visit. */
export function positionCount(loops: readonly LoopAxis[]): number {
  return loops.reduce((count, { size }) => count * size, 1);
}

/**
 * Pushes `base + 4 Σ coordinate·step` for every operand of the position whose number is in `index`
 * (the last loop fastest) into `addresses`. Returns a local with the coordinate along the last
 * loop, or `undefined` where there is no loop.
 */
export function emitLocate(
  f: FunctionBuilder,
  loops: readonly LoopAxis[],
  index: Local,
  bases: readonly Local[],
  addresses: readonly Local[],
): Local | undefined {
  for (const [operand, base] of bases.entries()) f.get(base).set(addresses[operand]!);
  if (loops.length === 0) return undefined;
  const rest = f.local("i32");
  const coordinate = f.local("i32");
  const last = f.local("i32");
  f.get(index).set(rest);
  for (let axis = loops.length - 1; axis >= 0; axis--) {
    const { size, steps } = loops[axis]!;
    if (axis === 0) {
      f.get(rest).set(coordinate);
    } else {
      f.get(rest).i32(size).op("i32.rem_u").set(coordinate);
      f.get(rest).i32(size).op("i32.div_u").set(rest);
    }
    if (axis === loops.length - 1) f.get(coordinate).set(last);
    for (const [operand, step] of steps.entries()) {
      if (step === 0) continue;
      const address = addresses[operand]!;
      f.get(address)
        .get(coordinate)
        .i32(step * 4)
        .op("i32.mul")
        .op("i32.add")
        .set(address);
    }
  }
  f.release(rest, coordinate);
  return last;
}

/**
 * Visits the positions `begin` … `end` − 1 of the loops. `body` finds an address per operand and
 * leaves it as it is; `group` positions in a row, neighbours along the last loop, can be handed to
 * `groupBody` at once. Divisions happen once per run along the last loop.
 */
export function emitPositions(
  f: FunctionBuilder,
  loops: readonly LoopAxis[],
  begin: Local,
  end: Local,
  bases: readonly Local[],
  body: (addresses: readonly Local[]) => void,
  grouped?: { readonly group: number; readonly body: (addresses: readonly Local[]) => void },
): void {
  const addresses = f.locals("i32", bases.length);
  const last = loops.at(-1);
  if (last === undefined) {
    f.get(begin).get(end).op("i32.lt_s");
    f.if(() => {
      emitLocate(f, loops, begin, bases, addresses);
      body(addresses);
    });
    f.release(...addresses);
    return;
  }
  const index = f.local("i32");
  const run = f.local("i32");
  const advance = (count: number): void => {
    for (const [operand, step] of last.steps.entries()) {
      if (step !== 0) f.increment(addresses[operand]!, step * 4 * count);
    }
  };
  f.get(begin).set(index);
  f.block((exit) => {
    f.loop((nextRun) => {
      f.get(index).get(end).op("i32.ge_s").branchIf(exit);
      const coordinate = emitLocate(f, loops, index, bases, addresses)!;
      // Positions to the end of the last loop or of the range, whichever is nearer.
      f.get(end).get(index).op("i32.sub").set(run);
      if (loops.length > 1) {
        f.i32(last.size).get(coordinate).op("i32.sub").tee(coordinate);
        f.get(run).get(coordinate).get(run).op("i32.lt_s").op("select").set(run);
      }
      f.release(coordinate);
      f.increment(index, run);
      if (grouped !== undefined) {
        const { group } = grouped;
        f.block((done) => {
          f.loop((again) => {
            f.get(run).i32(group).op("i32.lt_s").branchIf(done);
            grouped.body(addresses);
            advance(group);
            f.increment(run, -group).branch(again);
          });
        });
        f.get(run).op("i32.eqz").branchIf(nextRun);
      }
      f.loop((again) => {
        body(addresses);
        advance(1);
        f.get(run).i32(1).op("i32.sub").tee(run).branchIf(again);
      });
      f.branch(nextRun);
    });
  });
  f.release(index, run, ...addresses);
}
