import type { FunctionBuilder, Local } from "../assembler.ts";

/** A kernel's share of work items as locals. */
interface ItemRange {
  readonly begin: Local;
  readonly end: Local;
}

/**
 * Deals the items of a kernel to parts that follow one another: part number `i` has `counts[i]` items, and `emit` writes the
 * code for those of them that the thread has, counted from 0.
 */
export function emitItemRanges(
  f: FunctionBuilder,
  items: ItemRange,
  counts: readonly number[],
  emit: (part: number, own: ItemRange) => void,
): void {
  const [begin, end] = f.locals("i32", 2) as [Local, Local];
  let start = 0;
  for (const [part, count] of counts.entries()) {
    emitClamped(f, items.begin, start, count, begin);
    emitClamped(f, items.end, start, count, end);
    start += count;
    emit(part, { begin, end });
  }
  f.release(begin, end);
}

/** `target = min(max(value − start, 0), count)`. */
function emitClamped(
  f: FunctionBuilder,
  value: Local,
  start: number,
  count: number,
  target: Local,
): void {
  f.get(value).i32(start).op("i32.sub").tee(target).i32(0).get(target).i32(0).op("i32.gt_s");
  f.op("select").tee(target).i32(count).get(target).i32(count).op("i32.lt_s").op("select");
  f.set(target);
}
