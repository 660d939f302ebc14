/**
 * Panels of columns: the right-hand operand of a product, cut into strips of as many columns as a
 * register tile holds, each strip `[reduction][columns]`, filled up with zeros to whole vectors.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, Kernel } from "../kernel.ts";
import { emitItemRanges } from "./itemRanges.ts";

/** How columns are cut into panels. */
export interface ColumnPanels {
  /** Vectors of four columns in a full panel. */
  readonly vectors: number;
  /** Full panels. */
  readonly full: number;
  /** Columns of the last, narrow panel, 0 if there is none. */
  readonly tail: number;
  /** Vectors of the narrow panel. */
  readonly tailVectors: number;
  /** Panels altogether. */
  readonly count: number;
  /** Floats of all panels per step of the reduction. */
  readonly floatsPerStep: number;
}

export function columnPanels(columns: number, features: Features): ColumnPanels {
  const width = features.tile.columns;
  const full = Math.floor(columns / width);
  const tail = columns % width;
  const tailVectors = Math.ceil(tail / 4);
  return {
    vectors: width / 4,
    full,
    tail,
    tailVectors,
    count: full + (tail > 0 ? 1 : 0),
    floatsPerStep: full * width + tailVectors * 4,
  };
}

/** A part of the reduction: `count` steps whose weights lie at `start + i · step` floats. */
export interface PackedRun {
  readonly start: number;
  readonly count: number;
  readonly step: number;
}

/** Where the weights of a product lie, in floats. */
export interface WeightSource {
  /** From column to column; 1 means that columns lie side by side. */
  readonly columnStep: number;
  readonly columns: number;
  /** Independent products one after the other: groups, images. */
  readonly parts: number;
  readonly partStep: number;
  /** Steps of the reduction in order. */
  readonly runs: readonly PackedRun[];
  /** Offset in the packed buffer, bytes. */
  readonly packedStart: number;
}

export function reductionOf(source: WeightSource): number {
  return source.runs.reduce((sum, run) => sum + run.count, 0);
}

/** Writes all weights of some products in panels: buffers weight, packed. */
export function packKernel(sources: readonly WeightSource[], features: Features): Kernel {
  const panels = sources.map((source) => columnPanels(source.columns, features));
  const counts = sources.map((source, index) => source.parts * panels[index]!.count);
  return {
    key: `pack ${features.tile.columns} ${JSON.stringify(sources)}`,
    buffers: 2,
    items: counts.reduce((sum, count) => sum + count, 0),
    emit(f, io, _module) {
      const [weight, packed] = io.address as [Local, Local];
      emitItemRanges(f, io, counts, (index, { begin, end }) => {
        emitPack(f, sources[index]!, panels[index]!, weight, packed, begin, end);
      });
    },
  };
}

function emitPack(
  f: FunctionBuilder,
  source: WeightSource,
  panels: ColumnPanels,
  weight: Local,
  packed: Local,
  begin: Local,
  end: Local,
): void {
  const reduction = reductionOf(source);
  const [item, panel, from, to] = f.locals("i32", 4) as [Local, Local, Local, Local];
  const panelFloats = panels.vectors * 4 * reduction;
  f.for(item, begin, end, 1, () => {
    f.get(item).i32(panels.count).op("i32.rem_u").set(panel);
    const part = (): void => {
      f.get(item).i32(panels.count).op("i32.div_u");
    };
    f.get(packed).i32(source.packedStart).op("i32.add");
    part();
    f.i32(panels.floatsPerStep * reduction * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(panel)
      .i32(panelFloats * 4)
      .op("i32.mul")
      .op("i32.add")
      .set(to);
    f.get(weight);
    part();
    f.i32(source.partStep * 4)
      .op("i32.mul")
      .op("i32.add");
    f.get(panel)
      .i32(panels.vectors * 4 * source.columnStep * 4)
      .op("i32.mul")
      .op("i32.add")
      .set(from);
    if (panels.tail === 0) {
      emitPanel(f, source, panels.vectors * 4, from, to);
      return;
    }
    f.get(panel).i32(panels.full).op("i32.lt_u");
    f.if(
      () => emitPanel(f, source, panels.vectors * 4, from, to),
      () => emitPanel(f, source, panels.tail, from, to),
    );
  });
  f.release(item, panel, from, to);
}

/** One panel of `columns` columns from address `from` to address `to`. */
function emitPanel(
  f: FunctionBuilder,
  source: WeightSource,
  columns: number,
  from: Local,
  to: Local,
): void {
  const [left, at] = f.locals("i32", 2) as [Local, Local];
  for (const run of source.runs) {
    f.get(from)
      .i32(run.start * 4)
      .op("i32.add")
      .set(at);
    f.i32(run.count).set(left);
    emitPanelRun(f, { columnStep: source.columnStep, step: run.step }, columns, at, to, left);
  }
  f.release(left, at);
}

/**
 * `left` steps of a panel of `columns` columns from address `at` to address `to`; all three move on.
 * Steps in floats.
 */
export function emitPanelRun(
  f: FunctionBuilder,
  { columnStep, step }: { readonly columnStep: number; readonly step: number },
  columns: number,
  at: Local,
  to: Local,
  left: Local,
): void {
  const vectors = Math.ceil(columns / 4);
  if (columnStep !== 1 && step === 1) {
    f.block((done) => {
      f.loop((again) => {
        f.get(left).i32(4).op("i32.lt_s").branchIf(done);
        for (let vector = 0; vector < vectors; vector++) {
          emitTransposedSquare(
            f,
            (line) => {
              const column = vector * 4 + line;
              if (column >= columns) f.f32x4(0);
              else f.get(at).memory("v128.load", column * columnStep * 4);
            },
            (line, push) => {
              f.get(to);
              push();
              f.memory("v128.store", (line * vectors + vector) * 16);
            },
          );
        }
        f.increment(at, 16);
        f.increment(to, vectors * 64);
        f.increment(left, -4).branch(again);
      });
    });
  }
  f.block((done) => {
    f.loop((again) => {
      f.get(left).op("i32.eqz").branchIf(done);
      for (let vector = 0; vector < vectors; vector++) {
        f.get(to);
        emitColumns(f, columnStep * 4, vector * 4, columns, at);
        f.memory("v128.store", vector * 16);
      }
      f.increment(at, step * 4);
      f.increment(to, vectors * 16);
      f.increment(left, -1).branch(again);
    });
  });
}

/**
 * `panelCount` full panels of `steps` steps, one after the other at `to`, from rows of columns that lie side by
 * side at `from`, `step` floats apart: a row is read as a whole before the next one.
 */
export function emitPanelsOfRows(
  f: FunctionBuilder,
  step: number,
  vectors: number,
  l: Readonly<Record<"from" | "to" | "steps" | "panelCount", Local>>,
): void {
  const [left, at, row, to, panel] = f.locals("i32", 5) as [Local, Local, Local, Local, Local];
  f.get(l.steps).set(left);
  f.get(l.from).set(row);
  f.get(l.to).set(to);
  f.get(l.panelCount).i32(0).op("i32.gt_s");
  f.if(() => {
    f.loop((again) => {
      f.get(row).set(at);
      f.get(l.panelCount).set(panel);
      const target = f.local("i32");
      f.get(to).set(target);
      f.loop((nextPanel) => {
        for (let vector = 0; vector < vectors; vector++) {
          f.get(target)
            .get(at)
            .memory("v128.load", vector * 16);
          f.memory("v128.store", vector * 16);
        }
        f.increment(at, vectors * 16);
        f.get(target)
          .get(l.steps)
          .i32(vectors * 16)
          .op("i32.mul")
          .op("i32.add")
          .set(target);
        f.get(panel).i32(1).op("i32.sub").tee(panel).branchIf(nextPanel);
      });
      f.release(target);
      f.increment(row, step * 4);
      f.increment(to, vectors * 16);
      f.get(left).i32(1).op("i32.sub").tee(left).branchIf(again);
    });
  });
  f.release(left, at, row, to, panel);
}

/** Pushes four columns of one step, zeros past the last. */
function emitColumns(
  f: FunctionBuilder,
  columnBytes: number,
  first: number,
  columns: number,
  at: Local,
): void {
  if (columnBytes === 4 && first + 4 <= columns) {
    f.get(at).memory("v128.load", first * 4);
    return;
  }
  f.f32x4(0);
  const row = f.local("v128");
  f.set(row);
  for (let lane = 0; lane < 4 && first + lane < columns; lane++) {
    f.get(at)
      .get(row)
      .memoryLane("v128.load32_lane", lane, (first + lane) * columnBytes)
      .set(row);
  }
  f.get(row);
  f.release(row);
}

/** Transposes a square of 4 × 4: `load` pushes a line, `store` gets a line of the result and its code. */
export function emitTransposedSquare(
  f: FunctionBuilder,
  load: (line: number) => void,
  store: (line: number, push: () => void) => void,
): void {
  const lines = f.locals("v128", 4);
  for (const [index, line] of lines.entries()) {
    load(index);
    f.set(line);
  }
  const [a, b, c, d] = lines as [Local, Local, Local, Local];
  const pairs = f.locals("v128", 4);
  const [ab01, ab23, cd01, cd23] = pairs as [Local, Local, Local, Local];
  f.get(a).get(b).shuffle(0, 4, 1, 5).set(ab01);
  f.get(a).get(b).shuffle(2, 6, 3, 7).set(ab23);
  f.get(c).get(d).shuffle(0, 4, 1, 5).set(cd01);
  f.get(c).get(d).shuffle(2, 6, 3, 7).set(cd23);
  const results = [
    [ab01, cd01, 0],
    [ab01, cd01, 2],
    [ab23, cd23, 0],
    [ab23, cd23, 2],
  ] as const;
  for (const [index, [low, high, lane]] of results.entries()) {
    store(index, () =>
      f
        .get(low)
        .get(high)
        .shuffle(lane, lane + 1, lane + 4, lane + 5),
    );
  }
  f.release(...lines, ...pairs);
}
