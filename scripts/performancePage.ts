// Rewrites the tables of docs/performance.md from docs/measurements:
//
//   node scripts/run.mjs scripts/performancePage.ts
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseCsv } from "../bench/csv.ts";
import { type Mode, type Row, rowsOf } from "../bench/rows.ts";
import { geometricMean, median } from "../bench/statistics.ts";

type Record = Readonly<{ [name: string]: string }>;

const page = new URL("../docs/performance.md", import.meta.url);

function read(name: string): readonly Record[] {
  const file = new URL(`../docs/measurements/${name}.csv`, import.meta.url);
  return existsSync(file) ? parseCsv(readFileSync(file, "utf8")) : [];
}

/** A Markdown table; every column but the first is set right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? "---" : "---:")).join("|")}|`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** Where and when: as the file says it. */
function origin(records: readonly Record[]): string {
  const { machine, date = "", commit = "" } = records[0]!;
  return `${machine}${commit === "" ? "" : `, commit ${commit}, ${date.slice(0, 10)}`}`;
}

function title({ title, input, batch }: Row): string {
  return `${title}, ${input}, ${batch}`;
}

/** Speeds of a peer on a row of the benchmark, the best way of each round. */
function speeds(records: readonly Record[], row: Row, peer: string): ReadonlyMap<string, number> {
  const best = new Map<string, number>();
  for (const record of records) {
    if (record.net !== row.net || record.input !== row.input || record.peer !== peer) continue;
    if (record.images_per_s === "") continue;
    const { round } = record;
    best.set(round!, Math.max(best.get(round!) ?? 0, Number(record.images_per_s)));
  }
  return best;
}

/** Median over the rounds of one peer's speed over another's, or undefined where one has none. */
function ratio(
  records: readonly Record[],
  row: Row,
  over: string,
  under: string,
): number | undefined {
  const [a, b] = [speeds(records, row, over), speeds(records, row, under)];
  const ratios = [...a].flatMap(([round, speed]) => {
    const other = b.get(round);
    return other === undefined ? [] : [speed / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en");
}

function speed(records: readonly Record[], row: Row, peer: string): string {
  const all = [...speeds(records, row, peer).values()];
  if (all.length > 0) return digits(median(all));
  const asked = records.find(
    (record) => record.net === row.net && record.input === row.input && record.peer === peer,
  );
  return asked === undefined ? "" : `cannot: ${asked.note}`;
}

/** Striate's speed, and for each peer its speed and the ratio; the last row has the geometric means. */
function beside(
  name: string,
  mode: Mode,
  wanted: readonly (readonly [name: string, title: string])[],
): string {
  const records = read(name);
  if (records.length === 0) return "Not measured yet.";
  const peers = wanted.filter(([peer]) => records.some((record) => record.peer === peer));
  const rows = rowsOf[mode].filter((row) => speeds(records, row, "striate").size > 0);
  const ratios = peers.map(([peer]) => rows.map((row) => ratio(records, row, "striate", peer)));
  const lines = rows.map((row, i) => [
    title(row),
    speed(records, row, "striate"),
    ...peers.flatMap(([peer], p) => [speed(records, row, peer), ratios[p]![i]?.toFixed(2) ?? ""]),
  ]);
  const means = ratios.flatMap((list) => {
    const known = list.filter((value) => value !== undefined);
    return ["", known.length === 0 ? "" : geometricMean(known).toFixed(2)];
  });
  const head = ["net, image, batch", "Striate", ...peers.flatMap(([, text]) => [text, "ratio"])];
  const versions = peers.flatMap(([peer, text]) => {
    const backend = records.find(
      (record) => record.peer === peer && record.backend !== "",
    )?.backend;
    return backend === undefined ? [] : [`${text}: ${backend}`];
  });
  const own = records.find((record) => record.peer === "striate")!.backend!;
  return `${table(head, [...lines, ["geometric mean", "", ...means]])}

Images per second; ${origin(records)}. Striate: ${own}. ${versions.join(". ")}.`;
}

/** First step and peak memory, from the runs of the comparison. */
function starts(): string {
  const records = read("train-2");
  if (records.length === 0) return "Not measured yet.";
  const least = (row: Row, peer: string, field: string) =>
    Math.min(
      ...records
        .filter((r) => r.net === row.net && r.peer === peer && r[field] !== "")
        .map((r) => Number(r[field])),
    );
  const cells = (row: Row, field: string, unit: number, digits: number) =>
    ["striate", "pytorch"].map((peer) => (least(row, peer, field) / unit).toFixed(digits));
  return `${table(
    ["net", "first step, s", "PyTorch", "peak memory, MB", "PyTorch"],
    rowsOf.train.map((row) => [
      row.title,
      ...cells(row, "first_step_ms", 1000, 2),
      ...cells(row, "peak_rss_mb", 1, 0),
    ]),
  )}

${origin(records)}.`;
}

/** What other engines reach of Node 26, training and answering. */
function engines(): string {
  const peers = [
    ["system-node", "Node 20"],
    ["chromium", "Chromium"],
  ] as const;
  const files = { train: read("engines-train"), infer: read("engines-infer") };
  if (files.train.length === 0 && files.infer.length === 0) return "Not measured yet.";
  const share = (mode: Mode, row: Row, peer: string) =>
    ratio(files[mode], row, peer, "striate")?.toFixed(2) ?? "";
  const columns = (["train", "infer"] as const).flatMap((mode) =>
    peers.map(([peer, title]) => ({ mode, peer, title: `${title} ${mode}s` })),
  );
  return `${table(
    ["net, image, batch", ...columns.map(({ title }) => title)],
    rowsOf.infer.map((row) => [
      title(row),
      ...columns.map(({ mode, peer }) => share(mode, row, peer)),
    ]),
  )}

Shares of the speed of Node 26, in turn; ${origin([...files.train, ...files.infer])}.`;
}

function limits(): string {
  const records = read("limits");
  if (records.length === 0) return "Not measured yet.";
  return `${table(
    ["what", "threads", "GFLOP/s", "peak of the same run", "share", "GB/s"],
    records.map(({ what, threads, gflops, peak_gflops, gb_per_s }) => [
      what!,
      threads!,
      gflops === "" ? "" : Number(gflops).toFixed(0),
      Number(peak_gflops).toFixed(0),
      gflops === "" ? "" : `${((100 * Number(gflops)) / Number(peak_gflops)).toFixed(0)} %`,
      gb_per_s === "" ? "" : Number(gb_per_s).toFixed(1),
    ]),
  )}

${origin(records)}.`;
}

/** Kinds of launches, by what their labels and kernels begin with; the first that fits. */
const kinds: readonly (readonly [string, (record: Record) => boolean])[] = [
  ["convolution", ({ launch }) => /^conv2d /.test(launch!)],
  ["… data", ({ launch }) => /^conv2dInputGradient /.test(launch!)],
  ["… weights", ({ launch }) => /^conv2dWeightGradient /.test(launch!)],
  ["matrix product", ({ launch }) => /^matmul /.test(launch!)],
  ["element-wise", ({ kernel }) => kernel === "elementwise"],
  ["reductions", ({ kernel }) => /^(reduce|moments)/.test(kernel!)],
  ["the rest", () => true],
];

function kindOf(record: Record): number {
  return kinds.findIndex(([, fits]) => fits(record));
}

/** Shares of the kinds of launches in the steps of a mode. */
function profiles(mode: Mode): string {
  const records = read("profile").filter((record) => record.mode === mode);
  if (records.length === 0) return "Not measured yet.";
  // Kinds that no net of this mode has make no column.
  const shown = kinds.flatMap((_, kind) => (records.some((r) => kindOf(r) === kind) ? [kind] : []));
  const rows = rowsOf[mode].map((row) => {
    const own = records.filter(({ net, input }) => net === row.net && input === row.input);
    const sum = (list: readonly Record[]) => list.reduce((total, { ms }) => total + Number(ms), 0);
    const launches = sum(own);
    const step = Number(own[0]?.step_ms);
    const work = own.reduce((total, { ms, gflops }) => total + Number(ms) * Number(gflops), 0);
    const of = (kind: number) => own.filter((record) => kindOf(record) === kind);
    return [
      title(row),
      digits(step),
      digits(launches),
      `${((100 * work) / launches / Number(own[0]?.peak_gflops)).toFixed(0)} %`,
      ...shown.map((kind) => `${((100 * sum(of(kind))) / launches).toFixed(0)} %`),
    ];
  });
  const head = ["net, image, batch", "step, ms", "launches, ms", "of peak"];
  return `${table([...head, ...shown.map((kind) => kinds[kind]![0])], rows)}

${records[0]!.threads} threads; ${origin(records)}.`;
}

/** The 3x3 convolutions of VGG-16 from 64 channels on: what they reach of the peak. */
function winograd(): string {
  const records = read("profile").filter(
    ({ net, mode, kernel }) =>
      net === "vgg16" &&
      mode === "train" &&
      /^winograd(InputGradient|WeightGradient)?$/.test(kernel!),
  );
  if (records.length === 0) return "Not measured yet.";
  const range = (kernel: string) => {
    const shares = records
      .filter((record) => record.kernel === kernel)
      .map(({ gflops, peak_gflops }) => (100 * Number(gflops)) / Number(peak_gflops))
      .sort((a, b) => a - b);
    return [shares[0]!, median(shares), shares.at(-1)!].map((share) => `${share.toFixed(0)} %`);
  };
  return table(
    ["direction", "least", "median", "most"],
    [
      ["forward", ...range("winograd")],
      ["data gradient", ...range("winogradInputGradient")],
      ["weight gradient", ...range("winogradWeightGradient")],
    ],
  );
}

function steady(): string {
  const steps = read("growth").filter(({ series }) => series === "steps");
  if (steps.length === 0) return "Not measured yet.";
  const pick = [steps[0]!, steps[Math.floor(steps.length / 2)]!, steps.at(-1)!];
  return `${table(
    ["steps done", "ms a step, median of the last 1,000", "memory of the process, MB"],
    pick.map(({ steps: done, step_ms, rss_mb }) => [
      Number(done).toLocaleString("en"),
      Number(step_ms).toFixed(3),
      Number(rss_mb).toFixed(0),
    ]),
  )}

${origin(steps)}.`;
}

const pytorch = ["pytorch", "PyTorch"] as const;
const pytorchAvx2 = ["pytorch-avx2", "PyTorch, AVX2 only"] as const;
const sections: { readonly [name: string]: string } = {
  "train-2": beside("train-2", "train", [pytorch, pytorchAvx2]),
  "train-1": beside("train-1", "train", [pytorch, pytorchAvx2]),
  "train-2-avx2": beside("train-2-avx2", "train", [pytorch]),
  "train-1-avx2": beside("train-1-avx2", "train", [pytorch]),
  "infer-2": beside("infer-2", "infer", [["onnxruntime", "onnxruntime-node"], pytorch]),
  "infer-2-avx2": beside("infer-2-avx2", "infer", [["onnxruntime", "onnxruntime-node"], pytorch]),
  "javascript-train": beside("javascript-train", "train", [
    ["tfjs", "tensorflow.js"],
    ["jaxjs", "jax-js"],
  ]),
  starts: starts(),
  engines: engines(),
  limits: limits(),
  "profile-train": profiles("train"),
  "profile-infer": profiles("infer"),
  winograd: winograd(),
  steady: steady(),
};

const text = readFileSync(page, "utf8").replaceAll(
  /(<!-- table: (\S+) -->)[\s\S]*?(<!-- end -->)/g,
  (_, begin: string, name: string, end: string) => {
    const section = sections[name];
    if (section === undefined) throw new Error(`docs/performance.md: no table "${name}".`);
    return `${begin}\n${section}\n${end}`;
  },
);
writeFileSync(page, text);
