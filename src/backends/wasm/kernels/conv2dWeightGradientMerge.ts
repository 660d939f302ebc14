import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel } from "../kernel.ts";

/** How the sums of a chunk lie in memory. */
export interface PatchSums {
  readonly chunks: number;
  readonly chunkFloats: number;
  readonly groups: number;
  readonly filtersPerGroup: number;
  readonly strips: number;
  /** Columns of a strip. */
  readonly width: number;
  /** `[groups, filters, strips, width]`, or `[groups, strips, width, filters]`. */
  readonly filtersAsColumns: boolean;
  /** Floats from row to row: the innermost size filled up to whole vectors. */
  readonly innerFloats: number;
}

/**
 * Adds the sums of all chunks in their order and brings them into the order of weights: buffers sums, dw.
 * A work item is one filter, or four neighbours where filters lie side by side.
 */
export function mergeKernel(sums: PatchSums): Kernel {
  const { chunks, groups, filtersPerGroup, strips, width, filtersAsColumns } = sums;
  const perGroup = filtersAsColumns ? Math.ceil(filtersPerGroup / 4) : filtersPerGroup;
  return {
    key: `mergeWeightGradient ${JSON.stringify(sums)}`,
    buffers: 2,
    items: groups * perGroup,
    flops: chunks * groups * filtersPerGroup * strips * width,
    emit(f, io) {
      const [from, to] = io.address as [Local, Local];
      const item = f.local("i32");
      f.for(item, io.begin, io.end, 1, () => {
        if (filtersAsColumns) emitFourFilters(f, sums, item, from, to);
        else emitFilter(f, sums, item, from, to);
      });
      f.release(item);
    },
  };
}

/** Pushes the sum over chunks at `at`. */
function pushTotal(f: FunctionBuilder, sums: PatchSums, at: Local, total: Local): void {
  const [chunk, address] = f.locals("i32", 2) as [Local, Local];
  f.get(at).memory("v128.load").set(total);
  f.get(at).set(address);
  f.for(chunk, 1, sums.chunks, 1, () => {
    f.increment(address, sums.chunkFloats * 4);
    f.get(total).get(address).memory("v128.load").op("f32x4.add").set(total);
  });
  f.release(chunk, address);
}

/** Sums lie as [groups, filters, strips, width], each row filled up to whole vectors. */
function emitFilter(
  f: FunctionBuilder,
  sums: PatchSums,
  item: Local,
  from: Local,
  to: Local,
): void {
  const { strips, width, innerFloats } = sums;
  const [strip, left, at, target] = f.locals("i32", 4) as [Local, Local, Local, Local];
  const total = f.local("v128");
  f.get(from)
    .get(item)
    .i32(strips * innerFloats * 4)
    .op("i32.mul")
    .op("i32.add")
    .set(at);
  f.get(to)
    .get(item)
    .i32(strips * width * 4)
    .op("i32.mul")
    .op("i32.add")
    .set(target);
  f.for(strip, 0, strips, 1, () => {
    f.for(left, 0, width - (width % 4), 4, () => {
      pushTotal(f, sums, at, total);
      f.get(target).get(total).memory("v128.store");
      f.increment(at, 16);
      f.increment(target, 16);
    });
    if (width % 4 > 0) {
      pushTotal(f, sums, at, total);
      for (let lane = 0; lane < width % 4; lane++) {
        f.get(target)
          .get(total)
          .memoryLane("v128.store32_lane", lane, lane * 4);
      }
      f.increment(at, 16);
      f.increment(target, (width % 4) * 4);
    }
  });
  f.release(strip, left, at, target, total);
}

/** Sums lie as [groups, strips, width, filters], each row filled up to whole vectors. */
function emitFourFilters(
  f: FunctionBuilder,
  sums: PatchSums,
  item: Local,
  from: Local,
  to: Local,
): void {
  const { groups, filtersPerGroup, strips, width, innerFloats, chunkFloats } = sums;
  const perGroup = Math.ceil(filtersPerGroup / 4);
  const filterBytes = strips * width * 4;
  const [group, first, step, at, target] = f.locals("i32", 5) as [
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  const total = f.local("v128");
  f.get(item).i32(perGroup).op("i32.div_u").set(group);
  f.get(item).i32(perGroup).op("i32.rem_u").i32(2).op("i32.shl").set(first);
  f.get(from)
    .get(group)
    .i32((chunkFloats / groups) * 4)
    .op("i32.mul")
    .op("i32.add");
  f.get(first).i32(2).op("i32.shl").op("i32.add").set(at);
  f.get(group).i32(filtersPerGroup).op("i32.mul").get(first).op("i32.add");
  f.i32(filterBytes).op("i32.mul").get(to).op("i32.add").set(target);
  f.for(step, 0, strips * width, 1, () => {
    pushTotal(f, sums, at, total);
    for (let lane = 0; lane < 4; lane++) {
      const store = (): void => {
        f.get(target)
          .get(total)
          .memoryLane("v128.store32_lane", lane, lane * filterBytes);
      };
      if (lane === 0 || filtersPerGroup % 4 === 0) store();
      else {
        f.get(first)
          .i32(filtersPerGroup - lane)
          .op("i32.lt_s");
        f.if(store);
      }
    }
    f.increment(at, innerFloats * 4);
    f.increment(target, 4);
  });
  f.release(group, first, step, at, target, total);
}
