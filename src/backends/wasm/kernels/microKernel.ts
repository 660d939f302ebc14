/**
 * Register tiles of the matrix kernels: a few rows times a few vectors of four columns, held in
 * registers over a whole block of the reduction. Everything but the size of the tile is a run-time
 * parameter, so that all products and convolutions of a module share these functions: they compile
 * once, and tier up after the first few calls.
 *
 * The order of the arithmetic does not depend on the tile. An element of the result is one chain of
 * fused multiply-adds that starts at zero and takes the reduction index in ascending order; with
 * `accumulate` the finished chain is added to what lies in memory.
 *
 * A block of the reduction is a nest of three loops: `outer` × `inner` segments of `length` steps;
 * after a segment the operands move by the inner jump, after all inner segments also by the outer
 * one. With it a convolution reads its taps where they lie, without a copy per tap.
 */
import type { FunctionBuilder, Local, ModuleBuilder } from "../assembler.ts";
import type { Features, KernelModule } from "../kernel.ts";

/** Pushes `a · b + acc`, fused where the engine can; the three are already on the stack. */
export function multiplyAdd(f: FunctionBuilder, features: Features, spare: Local): void {
  if (features.relaxedMadd) f.op("f32x4.relaxed_madd");
  else f.set(spare).op("f32x4.mul").get(spare).op("f32x4.add");
}

/**
 * A block of the reduction, as the tiles read it from memory: byte offsets of its i32 fields. `length`
 * is in steps; the jumps are in bytes and start where the steps before have left the pointer. `aStart`
 * and `bStart` are read by the driver of the tiles.
 */
export const segmentFields = {
  outer: 0,
  inner: 4,
  length: 8,
  innerJump: 12,
  outerJump: 16,
  /** 0: the tile overwrites C; 1: it adds to C. */
  accumulate: 20,
  aStart: 24,
  bStart: 28,
} as const;

export const segmentBytes = 32;

/**
 * C tile of `rows` × 4·`vectors`: rows of A are read along the reduction, each from its own address,
 * B is a panel `[reduction][4 · vectors]`.
 *
 * Signature: (aRows, cRows, a, b, c, segment) → (); `aRows` and `cRows` point to the byte offsets of the
 * tile's rows from `a` and from `c`.
 */
function rowTile(module: KernelModule, rows: number, vectors: number): number {
  return module.shared(`rowTile ${rows}x${vectors * 4}`, (builder) =>
    emitRowTile(builder, module.features, rows, vectors),
  );
}

function emitRowTile(
  builder: ModuleBuilder,
  features: Features,
  rows: number,
  vectors: number,
): number {
  return builder.function(["i32", "i32", "i32", "i32", "i32", "i32"], [], (f) => {
    const [aRows, cRows, a, b, c, segment] = [0, 1, 2, 3, 4, 5].map((index) =>
      f.parameter(index),
    ) as [Local, Local, Local, Local, Local, Local];
    const accumulators = Array.from({ length: rows }, () => f.locals("v128", vectors));
    const values = f.locals("v128", vectors);
    const splat = f.local("v128");
    const spare = f.local("v128");
    const pointers = f.locals("i32", rows);
    const [outer, inner, length] = f.locals("i32", 3) as [Local, Local, Local];
    const [innerJump, outerJump] = f.locals("i32", 2) as [Local, Local];

    for (const [row, pointer] of pointers.entries()) {
      f.get(a)
        .get(aRows)
        .memory("i32.load", row * 4)
        .op("i32.add")
        .set(pointer);
    }
    f.get(segment).memory("i32.load", segmentFields.innerJump).set(innerJump);
    f.get(segment).memory("i32.load", segmentFields.outerJump).set(outerJump);
    for (const row of accumulators) for (const local of row) f.f32x4(0).set(local);

    const step = (index: number): void => {
      for (const [vector, value] of values.entries()) {
        f.get(b)
          .memory("v128.load", (index * vectors + vector) * 16)
          .set(value);
      }
      for (const [row, pointer] of pointers.entries()) {
        f.get(pointer)
          .memory("v128.load32_splat", index * 4)
          .set(splat);
        for (const [vector, value] of values.entries()) {
          const accumulator = accumulators[row]![vector]!;
          f.get(splat).get(value).get(accumulator);
          multiplyAdd(f, features, spare);
          f.set(accumulator);
        }
      }
    };
    const advance = (steps: number): void => {
      for (const pointer of pointers) f.increment(pointer, steps * 4);
      f.increment(b, steps * vectors * 16);
    };
    f.get(segment).memory("i32.load", segmentFields.outer).set(outer);
    f.loop((nextOuter) => {
      f.get(segment).memory("i32.load", segmentFields.inner).set(inner);
      f.loop((nextInner) => {
        f.get(segment).memory("i32.load", segmentFields.length).set(length);
        emitSteps(f, features, length, (steps) => {
          for (let index = 0; index < steps; index++) step(index);
          advance(steps);
        });
        for (const pointer of pointers) f.increment(pointer, innerJump);
        f.get(inner).i32(1).op("i32.sub").tee(inner).branchIf(nextInner);
      });
      for (const pointer of pointers) f.increment(pointer, outerJump);
      f.get(outer).i32(1).op("i32.sub").tee(outer).branchIf(nextOuter);
    });
    emitStoreTile(f, accumulators, values, segment, (row) => {
      f.get(c)
        .get(cRows)
        .memory("i32.load", row * 4)
        .op("i32.add")
        .set(a);
      return a;
    });
  });
}

/** A loop over `count` steps, of which `body` writes one or, where that pays, four at a time; the count is used up. */
function emitSteps(
  f: FunctionBuilder,
  { hoistsLoads }: Features,
  count: Local,
  body: (steps: number) => void,
): void {
  const loop = (left: Local, steps: number): void => {
    f.get(left);
    f.if(() => {
      f.loop((again) => {
        body(steps);
        f.get(left).i32(1).op("i32.sub").tee(left).branchIf(again);
      });
    });
  };
  if (!hoistsLoads) {
    const fours = f.local("i32");
    f.get(count).i32(2).op("i32.shr_u").set(fours);
    loop(fours, 4);
    f.get(count).i32(3).op("i32.and").set(count);
    f.release(fours);
  }
  loop(count, 1);
}

/**
 * Writes a tile, or adds it to what is there; `address` gives where a row begins. All loads of a row come
 * before its stores: V8 joins pairs of vectors only where no store lies between them, and sums whose
 * last use it cannot join are taken apart again inside the innermost loop.
 */
function emitStoreTile(
  f: FunctionBuilder,
  accumulators: readonly (readonly Local[])[],
  values: readonly Local[],
  block: Local,
  address: (row: number) => Local,
): void {
  const write = (accumulate: boolean) => (): void => {
    for (const [row, tile] of accumulators.entries()) {
      const at = address(row);
      if (accumulate) {
        for (const [vector, value] of values.entries()) {
          f.get(at)
            .memory("v128.load", vector * 16)
            .set(value);
        }
        for (const [vector, sum] of tile.entries()) {
          f.get(sum).get(values[vector]!).op("f32x4.add").set(sum);
        }
      }
      for (const [vector, sum] of tile.entries()) {
        f.get(at)
          .get(sum)
          .memory("v128.store", vector * 16);
      }
    }
  };
  f.get(block).memory("i32.load", segmentFields.accumulate);
  f.if(write(true), write(false));
}

/** Vector registers that V8 gives out. */
const registers = 15;

/**
 * Rows of the tallest tile. One joined vector a row needs eight sums to hide the latency of a multiply-add. Where loads are
 * hoisted, sums, columns and one value of each row must fit into the registers.
 */
function tallestTile({ tile, wide, hoistsLoads }: Features, vectors: number): number {
  if (hoistsLoads) return Math.floor((registers - vectors) / (vectors + 1));
  return wide && vectors <= 2 ? Math.max(8, tile.rows) : tile.rows;
}

/**
 * Packed weights that take more than this, in bytes, are not in the second-level cache when a panel of them is needed: they came
 * and went since the last step, or since the last block of rows.
 */
const nearWeightBytes = 1 << 20;

/**
 * Many rows times one panel of `weightBytes` of packed weights in all.
 *
 * Where the panel has to come from far, each of its cache lines is loaded once before the first tile. A tile asks for a line
 * every twenty instructions, so that a core, which looks a few hundred instructions ahead, has some twenty lines under way at a
 * time; loads alone keep as many under way as the core can. WebAssembly has no instruction that prefetches: a load holds up
 * what comes after it, wherever it stands, so that the whole panel is asked for at once and not a little before each step.
 *
 * Signature: (aRows, cRows, count, a, b, c, segment) → ().
 */
export function rowPanel(module: KernelModule, vectors: number, weightBytes: number): number {
  const highest = tallestTile(module.features, vectors);
  const far = weightBytes > nearWeightBytes;
  const key = `rowPanel ${highest}x${vectors * 4} ${far ? "far" : "near"}`;
  return module.shared(key, (builder) => {
    const tiles = Array.from({ length: highest }, (_, i) => rowTile(module, i + 1, vectors));
    const parameters = ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;
    return builder.function(parameters, [], (f) => {
      const [aRows, cRows, count, a, b, c, segment] = parameters.map((_, index) =>
        f.parameter(index),
      ) as [Local, Local, Local, Local, Local, Local, Local];
      if (far) emitPanelLoads(f, module.features, vectors, b, segment);
      emitTileHeights(f, count, highest, (height, rows) => {
        for (const local of [aRows, cRows, a, b, c, segment]) f.get(local);
        f.call(tiles[rows - 1]!);
        for (const table of [aRows, cRows]) {
          f.get(table).get(height).i32(2).op("i32.shl").op("i32.add").set(table);
        }
      });
    });
  });
}

const lineBytes = 64;

/** Loads the first word of each cache line of the panel at `b`. */
function emitPanelLoads(
  f: FunctionBuilder,
  features: Features,
  vectors: number,
  b: Local,
  segment: Local,
): void {
  const [at, lines] = f.locals("i32", 2) as [Local, Local];
  f.get(b).set(at);
  for (const field of ["length", "inner", "outer"] as const) {
    f.get(segment).memory("i32.load", segmentFields[field]);
  }
  f.op("i32.mul").op("i32.mul");
  f.i32(vectors * 16).op("i32.mul");
  f.i32(lineBytes - 1)
    .op("i32.add")
    .i32(lineBytes)
    .op("i32.div_u")
    .set(lines);
  emitSteps(f, features, lines, (steps) => {
    for (let line = 0; line < steps; line++) {
      f.get(at)
        .memory("i32.load", line * lineBytes)
        .op("drop");
    }
    f.increment(at, steps * lineBytes);
  });
  f.release(at, lines);
}

/**
 * A block of pixels, as the patch tiles read it from memory: byte offsets of its i32 fields. An operand
 * moves by its step from pixel to pixel, by its row jump more after `length` pixels and by its image jump
 * more after `rows` of those; all in bytes.
 */
export const pixelFields = {
  images: 0,
  rows: 4,
  length: 8,
  aStep: 12,
  bStep: 16,
  /** 0: the tile overwrites C; 1: it adds to C. The same place as in a segment. */
  accumulate: segmentFields.accumulate,
  aRowJump: 24,
  bRowJump: 28,
  aImageJump: 32,
  bImageJump: 36,
} as const;

export const pixelBlockBytes = 40;

/**
 * C tile of `rows` × 4·`vectors` of a sum over pixels: both operands lie pixel by pixel, the rows of the
 * tile side by side in the first one, its columns side by side in the second.
 *
 * Signature: (a, b, c, cStep, pixels) → ().
 */
function patchTile(module: KernelModule, rows: number, vectors: number): number {
  return module.shared(`patchTile ${rows}x${vectors * 4}`, (builder) =>
    emitPatchTile(builder, module.features, rows, vectors),
  );
}

function emitPatchTile(
  builder: ModuleBuilder,
  features: Features,
  rows: number,
  vectors: number,
): number {
  return builder.function(["i32", "i32", "i32", "i32", "i32"], [], (f) => {
    const [a, b, c, cStep, pixels] = [0, 1, 2, 3, 4].map((index) => f.parameter(index)) as [
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const accumulators = Array.from({ length: rows }, () => f.locals("v128", vectors));
    const values = f.locals("v128", vectors);
    const splat = f.local("v128");
    const spare = f.local("v128");
    const [images, inner, left, aStep, bStep, aRowJump, bRowJump] = f.locals("i32", 7) as [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const field = (name: keyof typeof pixelFields): FunctionBuilder =>
      f.get(pixels).memory("i32.load", pixelFields[name]);

    const pixel = (): void => {
      for (const [vector, value] of values.entries()) {
        f.get(b)
          .memory("v128.load", vector * 16)
          .set(value);
      }
      for (const [row, tile] of accumulators.entries()) {
        f.get(a)
          .memory("v128.load32_splat", row * 4)
          .set(splat);
        for (const [vector, accumulator] of tile.entries()) {
          f.get(splat).get(values[vector]!).get(accumulator);
          multiplyAdd(f, features, spare);
          f.set(accumulator);
        }
      }
      f.increment(a, aStep);
      f.increment(b, bStep);
    };
    field("aStep").set(aStep);
    field("bStep").set(bStep);
    field("aRowJump").set(aRowJump);
    field("bRowJump").set(bRowJump);
    for (const row of accumulators) for (const local of row) f.f32x4(0).set(local);
    field("images").set(images);
    f.loop((nextImage) => {
      field("rows").set(inner);
      f.loop((nextRow) => {
        field("length").set(left);
        emitSteps(f, features, left, (pixels) => {
          for (let i = 0; i < pixels; i++) pixel();
        });
        f.increment(a, aRowJump);
        f.increment(b, bRowJump);
        f.get(inner).i32(1).op("i32.sub").tee(inner).branchIf(nextRow);
      });
      f.get(a);
      field("aImageJump").op("i32.add").set(a);
      f.get(b);
      field("bImageJump").op("i32.add").set(b);
      f.get(images).i32(1).op("i32.sub").tee(images).branchIf(nextImage);
    });
    emitStoreTile(f, accumulators, values, pixels, (row) => {
      if (row > 0) f.increment(c, cStep);
      return c;
    });
  });
}

/**
 * All rows of a sum over pixels times one panel of columns; see {@link rowPanel}.
 *
 * Signature: (count, a, b, c, cStep, pixels) → ().
 */
export function patchPanel(module: KernelModule, vectors: number): number {
  const { features } = module;
  const highest = features.hoistsLoads ? tallestTile(features, vectors) : features.tile.rows;
  return module.shared(`patchPanel ${highest}x${vectors * 4}`, (builder) => {
    const tiles = Array.from({ length: highest }, (_, i) => patchTile(module, i + 1, vectors));
    const parameters = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
    return builder.function(parameters, [], (f) => {
      const [count, a, b, c, cStep, pixels] = parameters.map((_, index) => f.parameter(index)) as [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
      emitTileHeights(f, count, highest, (height, rows) => {
        for (const local of [a, b, c, cStep, pixels]) f.get(local);
        f.call(tiles[rows - 1]!);
        f.get(a).get(height).i32(2).op("i32.shl").op("i32.add").set(a);
        f.get(c).get(height).get(cStep).op("i32.mul").op("i32.add").set(c);
      });
    });
  });
}

/**
 * Deals `count` rows to tiles of nearly equal height, at most `highest`, because a single left-over row
 * costs as much time as a whole tile. `tile` writes the code for a height, which is also in a local.
 */
function emitTileHeights(
  f: FunctionBuilder,
  count: Local,
  highest: number,
  tile: (height: Local, rows: number) => void,
): void {
  const [left, small, large, height] = f.locals("i32", 4) as [Local, Local, Local, Local];
  f.get(count)
    .i32(highest - 1)
    .op("i32.add")
    .i32(highest)
    .op("i32.div_u")
    .set(left);
  f.get(count).get(left).op("i32.div_u").set(small);
  f.get(count).get(left).get(small).op("i32.mul").op("i32.sub").set(large);
  f.loop((again) => {
    f.get(small).get(large).i32(0).op("i32.gt_s").op("i32.add").set(height);
    f.block((done) => {
      for (let rows = highest; rows >= 1; rows--) {
        f.get(height).i32(rows).op("i32.eq");
        f.if(() => {
          tile(height, rows);
          f.branch(done);
        });
      }
    });
    f.increment(large, -1);
    f.get(left).i32(1).op("i32.sub").tee(left).branchIf(again);
  });
  f.release(left, small, large, height);
}
