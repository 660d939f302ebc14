/**
 * Copies of regions: strided parts of buffers moved to strided parts of others, or filled with one
 * value, bit by bit. Transposing, slicing, padding, joining and repeating are all lists of regions
 * (rearrange.ts); one kernel does a whole list, its items dealt out over all regions.
 *
 * Where the innermost axis is the same on both sides, rows are copied in vectors. Where it differs,
 * tiles of 4x4 are transposed in registers. They are visited so that four rows of the target get a
 * whole cache line each before the next four, and an item takes 64 neighbouring elements of each row
 * of the source, so that its lines are fetched in fours. The borders that do not fill a tile are
 * regions of their own, copied lane by lane.
 */
import { elementCount } from "../../../core/shape.ts";
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Kernel, KernelParameters } from "../kernel.ts";
import { memoryOrder, type View } from "../layout.ts";
import { emitLocate, emitPositions, type LoopAxis, loopsOver, positionCount } from "../loopNest.ts";
import { emitRow, loadBits, storeLanes } from "../vectorAccess.ts";

/** What one region of a buffer is filled from: a view of the same shape, or one value. */
export interface Region {
  /** Number of the buffer that is written, among all of the kernel. */
  readonly target: number;
  readonly to: View;
  readonly from:
    | { readonly buffer: number; readonly view: View }
    /** Bits of the element as an int32. */
    | { readonly bits: number };
}

/** A kernel that copies disjoint regions; `buffers` are the sources and then the targets. */
export function copyKernel(regions: readonly Region[], buffers: number): Kernel {
  const parts = regions
    .filter(({ to }) => elementCount(to.shape) > 0)
    .flatMap(splitTiles)
    .map(plannedPart);
  const starts: number[] = [];
  let items = 0;
  for (const part of parts) {
    starts.push(items);
    items += part.items;
  }

  const emit = (f: FunctionBuilder, io: KernelParameters): void => {
    const begin = f.local("i32");
    const end = f.local("i32");
    for (const [i, part] of parts.entries()) {
      const start = starts[i]!;
      // The part of this thread's range that lies in this region, counted from the region's start.
      f.get(io.begin).i32(start).get(io.begin).i32(start).op("i32.gt_s").op("select");
      f.i32(start).op("i32.sub").set(begin);
      const stop = start + part.items;
      f.get(io.end).i32(stop).get(io.end).i32(stop).op("i32.lt_s").op("select");
      f.i32(start).op("i32.sub").set(end);
      f.get(begin).get(end).op("i32.lt_s");
      f.if(() => {
        const { to, from, target } = part.region;
        const source = "bits" in from ? undefined : shifted(f, io.address[from.buffer]!, from.view);
        const bases = [shifted(f, io.address[target]!, to)];
        if (source !== undefined) bases.push(source);
        if (part.tile === undefined) emitRows(f, part, begin, end, bases);
        else emitTiles(f, part, part.tile, begin, end, bases);
        f.release(...bases);
      });
    }
  };

  const shape = parts.map(({ region, loops, tile }) => [
    region.target,
    region.to.offset,
    "bits" in region.from ? region.from.bits : [region.from.buffer, region.from.view.offset],
    loops,
    tile ?? 0,
  ]);
  return { key: `copy ${JSON.stringify(shape)} ${buffers}`, buffers, items, emit };
}

const rowElements = 4096;
const tileRows = 64;
const bandColumns = 16;

/** The two loops of a tiled part: along the target's memory, and along the source's. */
interface Tile {
  readonly along: LoopAxis;
  readonly across: LoopAxis;
}

interface Part {
  readonly region: Region;
  /** Loops round the tile, or all loops; steps of the target, then of the source. */
  readonly loops: readonly LoopAxis[];
  readonly tile: Tile | undefined;
  readonly items: number;
}

function loopsOf(region: Region): LoopAxis[] {
  const views = "bits" in region.from ? [region.to] : [region.to, region.from.view];
  return loopsOver(views, memoryOrder(region.to));
}

/** Number, among the loops, of the one along which the source is dense, if rows are not. */
function crossLoop(loops: readonly LoopAxis[]): number {
  const inner = loops.at(-1);
  if (inner === undefined || inner.steps[0] !== 1 || inner.steps.length < 2) return -1;
  if (inner.size < 4 || inner.steps[1] === 0 || inner.steps[1] === 1) return -1;
  return loops.findIndex(({ size, steps }) => steps[1] === 1 && size >= 4);
}

/** Cuts off what does not fill tiles of 4x4, so that each region is all tiles or all rows. */
function splitTiles(region: Region): Region[] {
  const loops = loopsOf(region);
  const cross = crossLoop(loops);
  if (cross < 0 || "bits" in region.from) return [region];
  const { buffer, view } = region.from;
  const part = (ranges: ReadonlyMap<number, readonly [number, number]>): Region => {
    const shape = loops.map(({ size }, axis) => {
      const range = ranges.get(axis);
      return range === undefined ? size : range[1] - range[0];
    });
    const side = (operand: number, offset: number): View => ({
      shape,
      strides: loops.map(({ steps }) => steps[operand]!),
      offset: loops.reduce(
        (sum, { steps }, axis) => sum + (ranges.get(axis)?.[0] ?? 0) * steps[operand]!,
        offset,
      ),
    });
    return {
      target: region.target,
      to: side(0, region.to.offset),
      from: { buffer, view: side(1, view.offset) },
    };
  };
  const inner = loops.length - 1;
  const along = loops[inner]!.size;
  const across = loops[cross]!.size;
  const fullAlong = along - (along % 4);
  const fullAcross = across - (across % 4);
  const parts = [
    part(
      new Map([
        [inner, [0, fullAlong]],
        [cross, [0, fullAcross]],
      ]),
    ),
  ];
  if (fullAlong < along) parts.push(part(new Map([[inner, [fullAlong, along]]])));
  if (fullAcross < across) {
    parts.push(
      part(
        new Map([
          [inner, [0, fullAlong]],
          [cross, [fullAcross, across]],
        ]),
      ),
    );
  }
  return parts;
}

function plannedPart(region: Region): Part {
  const loops = loopsOf(region);
  const cross = crossLoop(loops);
  const inner = loops.at(-1);
  if (cross >= 0 && inner !== undefined && inner.size % 4 === 0 && loops[cross]!.size % 4 === 0) {
    const across = loops[cross]!;
    const outer = loops.filter((_, i) => i !== cross && i !== loops.length - 1);
    const items = positionCount(outer) * Math.ceil(across.size / tileRows);
    return { region, loops: outer, tile: { along: inner, across }, items };
  }
  const rows = positionCount(loops.slice(0, -1));
  const size = inner?.size ?? 1;
  const items =
    loops.length <= 1 ? Math.ceil(size / rowElements) : Math.ceil(rows / rowsPerItem(size));
  return { region, loops, tile: undefined, items };
}

function rowsPerItem(size: number): number {
  return Math.max(1, Math.round(rowElements / size));
}

/** A local with the address of a view's first element. */
function shifted(f: FunctionBuilder, base: Local, view: View): Local {
  const address = f.local("i32");
  f.get(base)
    .i32(view.offset * 4)
    .op("i32.add")
    .set(address);
  return address;
}

function emitRows(
  f: FunctionBuilder,
  { region, loops }: Part,
  begin: Local,
  end: Local,
  bases: readonly Local[],
): void {
  const inner = loops.at(-1) ?? { size: 1, steps: new Array<number>(bases.length).fill(0) };
  const outer = loops.slice(0, -1);
  const { from } = region;
  const [toStep = 0, fromStep = 0] = inner.steps;
  const whole = outer.length === 0;
  const perItem = whole ? rowElements : rowsPerItem(inner.size);
  const limit = whole ? inner.size : positionCount(outer);

  const emitOne = (addresses: readonly Local[], length: number | Local): void => {
    const fixed = f.local("v128");
    const isFixed = "bits" in from || fromStep === 0;
    if ("bits" in from) f.get(f.constant("i32x4", from.bits)).set(fixed);
    else if (isFixed) {
      loadBits(f, addresses[1]!, 0, 0, 4);
      f.set(fixed);
    }
    const row = { length, tail: inner.size % 4, unroll: 4, straight: 8, addresses };
    emitRow(f, { ...row, steps: inner.steps }, (at, vectors) => {
      const values = vectors.map(({ element, count }) => {
        if (isFixed) return fixed;
        const value = f.local("v128");
        loadBits(f, at[1]!, element * fromStep, fromStep, count);
        f.set(value);
        return value;
      });
      for (const [i, { element, count }] of vectors.entries()) {
        const value = (): void => {
          f.get(values[i]!);
        };
        storeLanes(f, at[0]!, element * toStep, toStep, count, value);
      }
      if (!isFixed) f.release(...values);
    });
    f.release(fixed);
  };

  const first = f.local("i32");
  const last = f.local("i32");
  f.get(begin).i32(perItem).op("i32.mul").set(first);
  f.get(end).i32(perItem).op("i32.mul").set(last);
  f.i32(limit).get(last).get(last).i32(limit).op("i32.gt_s").op("select").set(last);
  if (whole) {
    f.get(last).get(first).op("i32.sub").set(last);
    const addresses = bases.map((base, i) => {
      const address = f.local("i32");
      f.get(base)
        .get(first)
        .i32(inner.steps[i]! * 4)
        .op("i32.mul")
        .op("i32.add")
        .set(address);
      return address;
    });
    emitOne(addresses, inner.size <= rowElements ? inner.size : last);
    f.release(...addresses);
  } else {
    emitPositions(f, outer, first, last, bases, (addresses) => emitOne(addresses, inner.size));
  }
  f.release(first, last);
}

function emitTiles(
  f: FunctionBuilder,
  { loops }: Part,
  { along, across }: Tile,
  begin: Local,
  end: Local,
  bases: readonly Local[],
): void {
  const blocks = Math.ceil(across.size / tileRows);
  const rowBytes = across.steps[0]! * 4;
  const sourceBytes = along.steps[1]! * 4;
  const item = f.local("i32");
  const outer = f.local("i32");
  const block = f.local("i32");
  const count = f.local("i32");
  const left = f.local("i32");
  const band = f.local("i32");
  const bandEnd = f.local("i32");
  const row = f.local("i32");
  const addresses = f.locals("i32", 2);
  const to = f.local("i32");
  const from = f.local("i32");
  const rows = f.locals("i32", 3);
  const sources = f.locals("i32", 3);
  const v = f.locals("v128", 4);
  const t = f.locals("v128", 4);

  /** Transposes the tile at `from` to `to`. */
  const emitTile = (): void => {
    f.get(from).memory("v128.load").set(v[0]!);
    for (let i = 0; i < 3; i++) {
      f.get(i === 0 ? from : sources[i - 1]!)
        .i32(sourceBytes)
        .op("i32.add")
        .tee(sources[i]!);
      f.memory("v128.load").set(v[i + 1]!);
    }
    f.get(v[0]!).get(v[1]!).shuffle(0, 4, 1, 5).set(t[0]!);
    f.get(v[2]!).get(v[3]!).shuffle(0, 4, 1, 5).set(t[1]!);
    f.get(v[0]!).get(v[1]!).shuffle(2, 6, 3, 7).set(t[2]!);
    f.get(v[2]!).get(v[3]!).shuffle(2, 6, 3, 7).set(t[3]!);
    f.get(to).get(t[0]!).get(t[1]!).shuffle(0, 1, 4, 5).memory("v128.store");
    for (let i = 0; i < 3; i++) {
      f.get(i === 0 ? to : rows[i - 1]!)
        .i32(rowBytes)
        .op("i32.add")
        .tee(rows[i]!);
      f.get(t[i < 1 ? 0 : 2]!).get(t[i < 1 ? 1 : 3]!);
      if (i === 1) f.shuffle(0, 1, 4, 5);
      else f.shuffle(2, 3, 6, 7);
      f.memory("v128.store");
    }
  };

  f.for(item, begin, end, 1, () => {
    f.get(item).i32(blocks).op("i32.rem_u").set(block);
    f.get(item).i32(blocks).op("i32.div_u").set(outer);
    const coordinate = emitLocate(f, loops, outer, bases, addresses);
    if (coordinate !== undefined) f.release(coordinate);
    f.get(addresses[0]!)
      .get(block)
      .i32(tileRows * rowBytes)
      .op("i32.mul")
      .op("i32.add");
    f.set(addresses[0]!);
    f.get(addresses[1]!)
      .get(block)
      .i32(tileRows * 4)
      .op("i32.mul")
      .op("i32.add");
    f.set(addresses[1]!);
    // Rows of the target in this block: 16, or what is left.
    f.i32(tileRows);
    f.i32(across.size).get(block).i32(tileRows).op("i32.mul").op("i32.sub").tee(count);
    f.get(count).i32(tileRows).op("i32.gt_s").op("select").set(count);
    f.for(band, 0, along.size, bandColumns, () => {
      f.i32(along.size).get(band).i32(bandColumns).op("i32.add").tee(bandEnd);
      f.get(bandEnd).i32(along.size).op("i32.gt_s").op("select").set(bandEnd);
      f.for(row, 0, count, 4, () => {
        f.get(addresses[0]!).get(row).i32(rowBytes).op("i32.mul").op("i32.add");
        f.get(band).i32(2).op("i32.shl").op("i32.add").set(to);
        f.get(addresses[1]!).get(band).i32(sourceBytes).op("i32.mul").op("i32.add");
        f.get(row).i32(2).op("i32.shl").op("i32.add").set(from);
        f.for(left, band, bandEnd, 4, () => {
          emitTile();
          f.increment(to, 16).increment(from, 4 * sourceBytes);
        });
      });
    });
  });
  f.release(
    item,
    outer,
    block,
    count,
    left,
    band,
    bandEnd,
    row,
    ...addresses,
    to,
    from,
    ...rows,
    ...sources,
    ...v,
    ...t,
  );
}
