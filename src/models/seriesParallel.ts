/** How units follow each other and stand side by side, from the first to the last. */
export type Arrangement<T> =
  | { readonly kind: "unit"; readonly unit: T }
  | { readonly kind: "series"; readonly parts: readonly Arrangement<T>[] }
  /** Ways that part after what stands in front and meet in a unit; an empty series leads straight to it. */
  | {
      readonly kind: "branching";
      readonly ways: readonly Arrangement<T>[];
      /** Where the ways meet; `undefined` at the very end. */
      readonly meet: T | undefined;
    }
  | { readonly kind: "repeat"; readonly count: number; readonly body: Arrangement<T> };

/** A unit and the positions of the units it reads; −1 is the input. Readers come behind what they read. */
export interface ArrangedUnit<T> {
  readonly unit: T;
  readonly from: readonly number[];
}

/** From a unit to one that reads it, by their positions. */
export type Edge = readonly [source: number, reader: number];

/**
 * Finds the branches of a graph with one beginning and one end: what all ways pass stands in series, what lies between two
 * such units side by side, and so on inside. Where a graph is no such structure, edges that lead past others are left
 * out until it is, the longest first, and named in `omitted`; what is none even so stands in one series.
 *
 * Source: Valdes, Tarjan & Lawler 1982 for series-parallel graphs; this takes the order for granted, and so is shorter.
 */
export function arrange<T>(units: readonly ArrangedUnit<T>[]): {
  readonly way: Arrangement<T>;
  readonly omitted: readonly Edge[];
} {
  let omitted: readonly Edge[] = [];
  for (;;) {
    const { way, stuck } = attempt(units, omitted);
    const longest = stuck.length === 0 ? undefined : longestBypass(units, stuck, omitted);
    if (longest === undefined) return { way, omitted };
    omitted = [...omitted, longest];
  }
}

/** One arrangement, and the units that it could only put in a row. */
function attempt<T>(
  units: readonly ArrangedUnit<T>[],
  omitted: readonly Edge[],
): { readonly way: Arrangement<T>; readonly stuck: readonly number[] } {
  const isOmitted = (source: number, reader: number) =>
    omitted.some(([a, b]) => a === source && b === reader);
  const sources = units.map(({ from }, reader) => from.filter((s) => !isOmitted(s, reader)));
  const readers: number[][] = units.map(() => []);
  sources.forEach((list, reader) => {
    for (const source of list) if (source >= 0) readers[source]!.push(reader);
  });
  const stuck: number[] = [];

  /** From place to place in `ids`; −1 is what comes before them, their number what comes behind. */
  const edgesOf = (ids: readonly number[]): Edge[] => {
    const place = new Map(ids.map((id, position) => [id, position]));
    return ids.flatMap((id, position) => {
      const leaves = readers[id]!.length === 0 || readers[id]!.some((reader) => !place.has(reader));
      return [
        ...sources[id]!.map((source): Edge => [place.get(source) ?? -1, position]),
        ...(leaves ? [[position, ids.length] as const] : []),
      ];
    });
  };

  const series = (ids: readonly number[]): Arrangement<T> => {
    const edges = edgesOf(ids);
    const crossings = ids.map(
      (_, place) => edges.filter(([a, b]) => a < place && place < b).length,
    );
    const ends = [...ids.keys()].filter((place) => crossings[place] === 0);
    const parts: Arrangement<T>[] = [];
    let start = -1;
    for (const end of [...ends, ids.length]) {
      const between = ids.slice(start + 1, end);
      const unit = end < ids.length ? units[ids[end]!]!.unit : undefined;
      const direct = edges.some(([a, b]) => a === start && b === end);
      const groups = connected(between);
      if (between.length === 0) {
        if (unit !== undefined) parts.push({ kind: "unit", unit });
      } else if (groups.length === 1 && !direct) {
        // All of it hangs together: nothing was gained, unless the ends were found on the way.
        if (between.length === ids.length) {
          stuck.push(...ids);
          parts.push(...ids.map((id) => ({ kind: "unit", unit: units[id]!.unit }) as const));
        } else parts.push(series(between));
        if (unit !== undefined) parts.push({ kind: "unit", unit });
      } else {
        const ways = groups.map(series);
        if (direct) ways.push({ kind: "series", parts: [] });
        parts.push({ kind: "branching", ways, meet: unit });
      }
      start = end;
    }
    return { kind: "series", parts };
  };

  /** Units that hang together without those outside, each group in order. */
  const connected = (ids: readonly number[]): number[][] => {
    const group = new Map<number, number[]>();
    for (const id of ids) {
      let own = [id];
      for (const source of sources[id]!) {
        const other = group.get(source);
        if (other !== undefined && other !== own) own = [...other, ...own];
        for (const member of own) group.set(member, own);
      }
      group.set(id, own);
    }
    const groups = [...new Set(ids.map((id) => group.get(id)!))];
    return groups.map((members) => [...new Set(members)].sort((a, b) => a - b));
  };

  return { way: series([...units.keys()]), stuck };
}

/**
 * The longest edge among `ids` that leads past others, shortcuts of blocks left aside: what has one way in and one way
 * out is taken for an edge itself, and edges side by side for one, until only what is entangled is left.
 */
function longestBypass<T>(
  units: readonly ArrangedUnit<T>[],
  ids: readonly number[],
  omitted: readonly Edge[],
): Edge | undefined {
  const inside = new Set(ids);
  // Readers of each unit; whether an edge is one of the graph's own.
  const out = new Map<number, Map<number, boolean>>();
  const into = new Map<number, Set<number>>();
  const connect = (a: number, b: number, own: boolean) => {
    const readers = out.get(a) ?? new Map<number, boolean>();
    readers.set(b, own && !readers.has(b));
    out.set(a, readers);
    into.set(b, (into.get(b) ?? new Set()).add(a));
  };
  units.forEach(({ from }, reader) => {
    for (const source of from) {
      const known = omitted.some(([a, b]) => a === source && b === reader);
      if (!known && (inside.has(source) || inside.has(reader))) connect(source, reader, true);
    }
  });
  for (let changed = true; changed; ) {
    changed = false;
    for (const id of inside) {
      const [sources, readers] = [into.get(id), out.get(id)];
      if (sources?.size !== 1 || readers?.size !== 1) continue;
      const [source, reader] = [[...sources][0]!, [...readers.keys()][0]!];
      inside.delete(id);
      out.get(source)!.delete(id);
      into.get(reader)!.delete(id);
      connect(source, reader, false);
      changed = true;
    }
  }
  const reaches = (a: number, b: number): boolean =>
    [...(out.get(a)?.keys() ?? [])].some((next) => next === b || (next < b && reaches(next, b)));
  const edges = [...out].flatMap(([source, readers]) =>
    [...readers].flatMap(([reader, own]): Edge[] => {
      const passed = [...readers.keys()].some((next) => next < reader && reaches(next, reader));
      return own && passed ? [[source, reader]] : [];
    }),
  );
  return edges.sort((a, b) => b[1] - b[0] - (a[1] - a[0]))[0];
}

/** Longest pattern that is looked for, in parts of a series. */
const longestPattern = 6;

/**
 * Draws together what follows on itself: `a b a b a b` becomes three times `a b`. Equal keys mean equal units. A single
 * unit is drawn together from four on.
 */
export function foldRepeats<T>(way: Arrangement<T>, key: (unit: T) => string): Arrangement<T> {
  if (way.kind === "unit") return way;
  if (way.kind === "repeat") return { ...way, body: foldRepeats(way.body, key) };
  if (way.kind === "branching") {
    return { ...way, ways: way.ways.map((inner) => foldRepeats(inner, key)) };
  }
  const parts = way.parts.map((part) => foldRepeats(part, key));
  const keys = parts.map((part) => keyOf(part, key));
  const folded: Arrangement<T>[] = [];
  for (let i = 0; i < parts.length; ) {
    const { length, count } = bestPattern(keys, i);
    const body = parts.slice(i, i + length);
    const inner: Arrangement<T> = length === 1 ? body[0]! : { kind: "series", parts: body };
    const worthwhile = count > 1 && (inner.kind !== "unit" || count >= 4);
    if (worthwhile) folded.push({ kind: "repeat", count, body: inner });
    else folded.push(parts[i]!);
    i += worthwhile ? length * count : 1;
  }
  return { kind: "series", parts: folded };
}

function bestPattern(keys: readonly string[], start: number): { length: number; count: number } {
  let best = { length: 1, count: 1 };
  for (let length = 1; length <= longestPattern; length++) {
    let count = 1;
    while (matches(keys, start, start + count * length, length)) count++;
    if (count > 1 && count * length > best.count * best.length) best = { length, count };
  }
  return best;
}

function matches(keys: readonly string[], a: number, b: number, length: number): boolean {
  if (b + length > keys.length) return false;
  for (let i = 0; i < length; i++) if (keys[a + i] !== keys[b + i]) return false;
  return true;
}

function keyOf<T>(way: Arrangement<T>, key: (unit: T) => string): string {
  switch (way.kind) {
    case "unit":
      return key(way.unit);
    case "series":
      return `(${way.parts.map((part) => keyOf(part, key)).join(";")})`;
    case "branching": {
      const meet = way.meet === undefined ? "" : key(way.meet);
      return `[${way.ways.map((inner) => keyOf(inner, key)).join("|")}]${meet}`;
    }
    case "repeat":
      return `${way.count}×${keyOf(way.body, key)}`;
  }
}

/** All units of an arrangement. */
export function unitsOf<T>(way: Arrangement<T>): T[] {
  switch (way.kind) {
    case "unit":
      return [way.unit];
    case "series":
      return way.parts.flatMap(unitsOf);
    case "branching":
      return [...way.ways.flatMap(unitsOf), ...(way.meet === undefined ? [] : [way.meet])];
    case "repeat":
      return unitsOf(way.body);
  }
}
