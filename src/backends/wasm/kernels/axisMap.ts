/**
 * Sparse linear maps along one axis: `y[…, j, …] = Σₜ weights[j][t] · x[…, indices[j][t], …]`, each
 * sum in the order of its list.
 *
 * In memory a value is [outer, axis, inner]. With an inner part (the axis is H or W of an image)
 * rows of `inner` elements are combined, lanes along the row; lists of up to eight entries are
 * unrolled, the numbers coming from a table. Without one (the axis is C) two ways remain: maps that
 * are a band round the diagonal, as sums over neighbouring channels are, read a copy of the row with
 * zeros at both ends at shifted places; all others go element by element.
 */
import { elementCount, type Shape } from "../../../core/shape.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelModule, KernelParameters } from "../kernel.ts";
import { type KernelPlan, singleCall } from "../kernelPlan.ts";
import { physicalOrder } from "../layout.ts";
import { emitPositions, type LoopAxis, positionCount } from "../loopNest.ts";
import { emitRow, loadLanes, storeLanes } from "../vectorAccess.ts";
import { vectorCode } from "../vectorCode.ts";
import { emitTables, tableBytes } from "./constantTable.ts";

export interface AxisMapRequest {
  readonly shape: Shape;
  readonly axis: number;
  /** For each position of the output, the positions of the input that it reads. */
  readonly indices: readonly (readonly number[])[];
  /** The weight of each of them. */
  readonly weights: readonly (readonly number[])[];
}

/** A map with the value's sizes in memory. */
interface PhysicalMap extends AxisMapRequest {
  readonly outer: number;
  readonly inner: number;
  /** Positions along the axis. */
  readonly from: number;
  readonly to: number;
  /** No weight is anything but 1. */
  readonly plain: boolean;
}

/** One kernel from `input0` to `output0`, both float32. */
export function planAxisMap(request: AxisMapRequest): KernelPlan {
  const { shape, axis, indices, weights } = request;
  const order = physicalOrder(shape.length);
  const place = order.indexOf(axis);
  const sizes = order.map((a) => shape[a]!);
  const map: PhysicalMap = {
    ...request,
    outer: elementCount(sizes.slice(0, place)),
    inner: elementCount(sizes.slice(place + 1)),
    from: shape[axis]!,
    to: indices.length,
    plain: weights.every((row) => row.every((weight) => weight === 1)),
  };
  if (map.inner > 1) return singleCall(rowKernel(map), 1, 1);
  const band = findBand(map);
  return singleCall(band === undefined ? elementKernel(map) : bandKernel(map, band), 1, 1);
}

function mapKey(name: string, { outer, inner, from, to, indices, weights }: PhysicalMap): string {
  const lists = indices.map((row, j) => row.map((index, t) => `${index}*${weights[j]![t]}`));
  return `axisMap ${name} ${outer} ${inner} ${from} ${to} ${lists.map((l) => l.join()).join(";")}`;
}

function floatBits(value: number): number {
  return new Int32Array(Float32Array.of(value).buffer)[0]!;
}

/**
 * The lists as words: first, for each output position, where its entries begin, counted in bytes
 * from the start of the table, and how many there are; then the entries, an offset and the bits of a
 * weight each.
 */
function entryTable({ indices, weights }: PhysicalMap, entryStep: number): Int32Array {
  const head = indices.length * 2;
  const words: number[] = [];
  let next = head;
  for (const row of indices) {
    words.push(next * 4, row.length);
    next += row.length * 2;
  }
  for (const [j, row] of indices.entries()) {
    for (const [t, index] of row.entries()) {
      words.push(index * entryStep, floatBits(weights[j]![t]!));
    }
  }
  return Int32Array.from(words);
}

const unrolledEntries = 8;
const pieceElements = 4096;

function rowKernel(map: PhysicalMap): Kernel {
  const { outer, inner, from, to, indices, plain } = map;
  const entries = indices.reduce((sum, row) => sum + row.length, 0);
  const whole = inner < 2 * pieceElements;
  const piece = whole ? inner : pieceElements;
  const pieces = Math.ceil(inner / piece);
  const lengths = Array.from({ length: pieces }, (_, i) => Math.min(piece, inner - i * piece));
  const tables = [entryTable(map, inner * 4), Int32Array.from(lengths)];
  // Operands: input, output, head of the table, length of the piece.
  const loops: LoopAxis[] = [
    { size: outer, steps: [from * inner, to * inner, 0, 0] },
    { size: pieces, steps: [piece, piece, 0, 1] },
    { size: to, steps: [0, inner, 2, 0] },
  ].filter(({ size }) => size > 1);
  const rows = positionCount(loops);
  const rowsPerItem = Math.max(1, Math.round(pieceElements / piece));
  const counts = [...new Set(indices.map((row) => row.length))].sort((a, b) => a - b);

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const v = vectorCode(f);
    const [table, lengthTable] = emitTables(f, module, io.scratch, tables) as [Local, Local];
    const begin = f.local("i32");
    const end = f.local("i32");
    const entry = f.local("i32");
    const count = f.local("i32");
    const length = f.local("i32");
    f.get(io.begin).i32(rowsPerItem).op("i32.mul").set(begin);
    f.get(io.end).i32(rowsPerItem).op("i32.mul").set(end);
    f.i32(rows).get(end).get(end).i32(rows).op("i32.gt_s").op("select").set(end);

    const row = { length: whole ? inner : length, tail: inner % 4, straight: 4 };

    /** Lists of a known, small length: addresses and weights stay in locals. */
    const emitUnrolled = (source: Local, target: Local, size: number): void => {
      const from4 = Array.from({ length: size }, (_, t) => {
        const address = f.local("i32");
        f.get(source)
          .get(entry)
          .memory("i32.load", t * 8)
          .op("i32.add")
          .set(address);
        return address;
      });
      const scale = from4.map((_, t) =>
        plain ? undefined : v.evaluate(() => f.get(entry).memory("v128.load32_splat", t * 8 + 4)),
      );
      const addresses = [target, ...from4];
      const unroll = size <= 4 ? 2 : 1;
      emitRow(f, { ...row, unroll, addresses, steps: addresses.map(() => 1) }, (at, vectors) => {
        const values = vectors.map(({ element, count: lanes }) => {
          if (size === 0) v.push(0);
          for (const [t, weight] of scale.entries()) {
            loadLanes(f, at[1 + t]!, element, 1, lanes);
            if (weight !== undefined) f.get(weight).op("f32x4.mul");
            if (t > 0) f.op("f32x4.add");
          }
          const value = f.local("v128");
          f.set(value);
          return value;
        });
        for (const [i, { element, count: lanes }] of vectors.entries()) {
          storeLanes(f, at[0]!, element, 1, lanes, () => f.get(values[i]!));
        }
        f.release(...values);
      });
      f.release(...from4, ...scale.filter((local) => local !== undefined));
    };

    /** Lists of any length: four vectors of the row are summed up in one walk along the list. */
    const emitLooped = (source: Local, target: Local): void => {
      const cursor = f.local("i32");
      const stop = f.local("i32");
      const address = f.local("i32");
      const sums = f.locals("v128", 4);
      const weight = f.local("v128");
      const addresses = [target, source];
      emitRow(f, { ...row, unroll: 4, addresses, steps: [1, 1] }, (at, vectors) => {
        for (const i of vectors.keys()) {
          v.push(0);
          f.set(sums[i]!);
        }
        f.get(entry).get(count).i32(3).op("i32.shl").op("i32.add").set(stop);
        f.for(cursor, entry, stop, 8, () => {
          f.get(at[1]!).get(cursor).memory("i32.load").op("i32.add").set(address);
          if (!plain) f.get(cursor).memory("v128.load32_splat", 4).set(weight);
          for (const [i, { element, count: lanes }] of vectors.entries()) {
            loadLanes(f, address, element, 1, lanes);
            if (!plain) f.get(weight).op("f32x4.mul");
            f.get(sums[i]!).op("f32x4.add").set(sums[i]!);
          }
        });
        for (const [i, { element, count: lanes }] of vectors.entries()) {
          storeLanes(f, at[0]!, element, 1, lanes, () => f.get(sums[i]!));
        }
      });
      f.release(cursor, stop, address, ...sums, weight);
    };

    const bases = [io.address[0]!, io.address[1]!, table, lengthTable];
    emitPositions(f, loops, begin, end, bases, ([source, target, head, extent]) => {
      f.get(head!).memory("i32.load").get(table).op("i32.add").set(entry);
      f.get(head!).memory("i32.load", 4).set(count);
      f.get(extent!).memory("i32.load").set(length);
      f.block((done) => {
        for (const size of counts.filter((n) => n <= unrolledEntries)) {
          f.get(count).i32(size).op("i32.eq");
          f.if(() => {
            emitUnrolled(source!, target!, size);
            f.branch(done);
          });
        }
        if (counts.at(-1)! > unrolledEntries) emitLooped(source!, target!);
      });
    });
  };

  return {
    key: mapKey("rows", map),
    buffers: 2,
    items: Math.ceil(rows / rowsPerItem),
    scratchBytes: tableBytes(tables),
    flops: 2 * outer * inner * entries,
    emit,
  };
}

/** A map whose every list is a part of the band `first … last` round the diagonal, in its order. */
interface Band {
  readonly first: number;
  /** Weights by distance from the diagonal. */
  readonly weights: readonly number[];
}

/**
 * The band of a square map, if entry (j, j + d) has one weight for each d wherever j + d is inside,
 * and d ascends in each list. Beyond the border the copy of the row is 0 and adds nothing.
 */
function findBand({ from, to, indices, weights }: PhysicalMap): Band | undefined {
  if (from !== to) return undefined;
  const byDistance = new Map<number, number>();
  for (const [j, row] of indices.entries()) {
    let last = -Infinity;
    for (const [t, index] of row.entries()) {
      const weight = weights[j]![t]!;
      if (index <= last) return undefined;
      last = index;
      const known = byDistance.get(index - j);
      if (known !== undefined && known !== weight) return undefined;
      byDistance.set(index - j, weight);
    }
  }
  if (byDistance.size === 0 || byDistance.size > 16) return undefined;
  const first = Math.min(...byDistance.keys());
  const last = Math.max(...byDistance.keys());
  if (byDistance.size !== last - first + 1 || Math.max(-first, last) > 64) return undefined;
  const complete = indices.every((row, j) => {
    const inside = Math.min(to - 1, j + last) - Math.max(0, j + first) + 1;
    return row.length === Math.max(0, inside);
  });
  if (!complete) return undefined;
  return {
    first,
    weights: Array.from({ length: last - first + 1 }, (_, i) => byDistance.get(first + i)!),
  };
}

function bandKernel(map: PhysicalMap, { first, weights }: Band): Kernel {
  const { outer, from, plain } = map;
  const rowsPerItem = Math.max(1, Math.round(pieceElements / from));
  const last = first + weights.length - 1;
  // Room for what a row reads before its first and after its last vector.
  const before = Math.ceil(Math.max(0, -first) / 4) * 4;
  const scratchElements = before + Math.ceil(from / 4) * 4 + Math.ceil(Math.max(0, last) / 4) * 4;

  const emit = (f: FunctionBuilder, io: KernelParameters): void => {
    const begin = f.local("i32");
    const end = f.local("i32");
    const copy = f.local("i32");
    f.get(io.begin).i32(rowsPerItem).op("i32.mul").set(begin);
    f.get(io.end).i32(rowsPerItem).op("i32.mul").set(end);
    f.i32(outer).get(end).get(end).i32(outer).op("i32.gt_s").op("select").set(end);
    f.get(io.scratch)
      .i32(0)
      .i32(scratchElements * 4)
      .memoryFill();
    f.get(io.scratch)
      .i32(before * 4)
      .op("i32.add")
      .set(copy);
    const loops = outer > 1 ? [{ size: outer, steps: [from, from] }] : [];
    emitPositions(f, loops, begin, end, io.address, ([source, target]) => {
      const row = { length: from, tail: from % 4, straight: 4 };
      const load = { ...row, unroll: 4, addresses: [source!, copy], steps: [1, 1] };
      emitRow(f, load, (at, vectors) => {
        for (const { element, count } of vectors) {
          storeLanes(f, at[1]!, element, 1, count, () => loadLanes(f, at[0]!, element, 1, count));
        }
      });
      const sum = { ...row, unroll: 1, addresses: [copy, target!], steps: [1, 1] };
      emitRow(f, sum, (at, [vector]) => {
        const { element, count } = vector!;
        storeLanes(f, at[1]!, element, 1, count, () => {
          for (const [i, weight] of weights.entries()) {
            loadLanes(f, at[0]!, element + first + i, 1, 4);
            if (!plain) f.get(f.constant("f32x4", weight)).op("f32x4.mul");
            if (i > 0) f.op("f32x4.add");
          }
        });
      });
    });
  };

  return {
    key: mapKey("band", map),
    buffers: 2,
    items: Math.ceil(outer / rowsPerItem),
    scratchBytes: Math.ceil(scratchElements / 16) * 64,
    flops: 2 * outer * from * weights.length,
    emit,
  };
}

function elementKernel(map: PhysicalMap): Kernel {
  const { outer, from, to, indices, plain } = map;
  const entries = indices.reduce((sum, row) => sum + row.length, 0);
  const tables = [entryTable(map, 4)];
  const positions = outer * to;
  const perItem = Math.max(1, Math.round((pieceElements * to) / Math.max(1, entries)));
  const loops: LoopAxis[] = [
    { size: outer, steps: [from, to, 0] },
    { size: to, steps: [0, 1, 2] },
  ].filter(({ size }) => size > 1);

  const emit = (f: FunctionBuilder, io: KernelParameters, module: KernelModule): void => {
    const [table] = emitTables(f, module, io.scratch, tables) as [Local];
    const begin = f.local("i32");
    const end = f.local("i32");
    const cursor = f.local("i32");
    const stop = f.local("i32");
    const sum = f.local("f32");
    f.get(io.begin).i32(perItem).op("i32.mul").set(begin);
    f.get(io.end).i32(perItem).op("i32.mul").set(end);
    f.i32(positions).get(end).get(end).i32(positions).op("i32.gt_s").op("select").set(end);
    const bases = [io.address[0]!, io.address[1]!, table];
    emitPositions(f, loops, begin, end, bases, ([source, target, head]) => {
      f.f32(0).set(sum);
      f.get(head!).memory("i32.load").get(table).op("i32.add").tee(cursor);
      f.get(head!).memory("i32.load", 4).i32(3).op("i32.shl").op("i32.add").set(stop);
      f.for(cursor, cursor, stop, 8, () => {
        f.get(source!).get(cursor).memory("i32.load").op("i32.add").memory("f32.load");
        if (!plain) f.get(cursor).memory("f32.load", 4).op("f32.mul");
        f.get(sum).op("f32.add").set(sum);
      });
      f.get(target!).get(sum).memory("f32.store");
    });
  };

  return {
    key: mapKey("elements", map),
    buffers: 2,
    items: Math.ceil(positions / perItem),
    scratchBytes: tableBytes(tables),
    flops: 2 * outer * entries,
    emit,
  };
}
