import { describeLayer, formatSize } from "./describeLayer.ts";
import { type Arrangement, arrange, foldRepeats, unitsOf } from "./seriesParallel.ts";
import type { LayerSummary, NetSummary } from "./summary.ts";

/** Options of {@link drawNet}. */
export interface DrawingOptions {
  /** Draw what follows on itself once, with its count. Default true. */
  readonly fold?: boolean;
}

/** A box of the drawing: a layer, and what is done to its result in passing. */
interface Box {
  readonly category: Category;
  /** `CONV1`, `MAX POOL`. */
  readonly title: string;
  /** `layer1.0.conv1`, where the title does not say it already. */
  readonly path: string;
  readonly text: string;
  /** `batch norm, relu`. */
  readonly after: string;
  /** `55x55x96`, of the result. */
  readonly size: string;
  /** Blocks it lies in, the outermost first. */
  readonly within: readonly Block[];
}

/** A layer that holds others. */
interface Block {
  readonly name: string;
  readonly kind: string;
}

type Category = "convolution" | "dense" | "pooling" | "normalization" | "merge" | "other";

const categories: Readonly<Record<string, Category>> = {
  conv2d: "convolution",
  depthwiseConv2d: "convolution",
  partialConv2d: "convolution",
  convTranspose2d: "convolution",
  conv2dInputGradient: "convolution",
  linear: "dense",
  matmul: "dense",
  radialBasis: "dense",
  maxPool2d: "pooling",
  avgPool2d: "pooling",
  adaptiveAvgPool2d: "pooling",
  adaptiveMaxPool2d: "pooling",
  globalAvgPool2d: "pooling",
  globalMaxPool2d: "pooling",
  subsampling: "pooling",
  localResponseNorm: "normalization",
  batchNorm: "normalization",
  batchNorm2d: "normalization",
  layerNorm: "normalization",
  groupNorm: "normalization",
  sum: "merge",
  concat: "merge",
  multiply: "merge",
  gatedMean: "merge",
  binary: "merge",
};

/** Layers that are said in a word in the box of the layer before them. */
const inPassing: readonly string[] = [
  "batchNorm",
  "batchNorm1d",
  "batchNorm2d",
  "layerNorm",
  "globalResponseNorm",
  "layerScale",
  "activation",
  "unary",
  "prelu",
  "dropout",
  "stochasticDepth",
  "flatten",
  "reshape",
  "permute",
  "identity",
];

/** Layers that hold others without being a block of their own. */
const containers: readonly string[] = ["sequential", "functional", "branches", "residual"];

const boxWidth = 250;
const lineHeight = 15;
const gap = 20;
const fan = 18;
const straightWidth = 28;

/**
 * The architecture as an SVG picture: a box for each layer with its result's size, branches side by side, shortcuts as
 * lines past them, blocks that repeat drawn once with their count. It follows the reader's dark or light scheme.
 *
 * @example
 * const svg = drawNet(summarize(createNet("googlenet")));
 */
export function drawNet(summary: NetSummary, options: DrawingOptions = {}): string {
  const { way } = arrangeBoxes(summary.layers);
  const folded = options.fold === false ? way : foldRepeats(way, keyOfBox);
  const input: Arrangement<Box> = {
    kind: "unit",
    unit: {
      category: "other",
      title: "INPUT",
      path: "",
      text: "",
      after: "",
      size: formatSize(summary.input),
      within: [],
    },
  };
  const whole = toPicture({ kind: "series", parts: [input, folded] }, []);
  const size = measure(whole);
  const [width, height] = [Math.ceil(size.width + 2 * gap), Math.ceil(size.height + 2 * gap)];
  const name = summary.variant === "" ? summary.net : `${summary.net} (${summary.variant})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(`Architecture of ${name}`)}">`,
    `<title>${escapeXml(`Architecture of ${name}`)}</title>`,
    `<style>${style}</style>`,
    ...draw(whole, width / 2, gap),
    "</svg>",
    "",
  ].join("\n");
}

const style = [
  "text{font:11px system-ui,sans-serif;fill:#1d2733}",
  ".label{paint-order:stroke;stroke:#f5f6f8;stroke-width:4px}.title{font-weight:600}.size{font-weight:600;fill:#5b6b7b}.after,.label{fill:#5b6b7b}",
  ".wire{fill:none;stroke:#8a98a8;stroke-width:1.5}.frame{fill:#8a98a8;fill-opacity:.09;stroke:#8a98a8;stroke-opacity:.5}",
  ".box{stroke-width:1;stroke:#8a98a8;fill:#eef1f4}",
  ".convolution{fill:#dbe9fb;stroke:#5b8fd6}.dense{fill:#dff2e1;stroke:#5aa465}",
  ".pooling{fill:#fde6d8;stroke:#d98552}.normalization{fill:#efe4fa;stroke:#9a74c9}.merge{fill:#fff6cf;stroke:#c0a02c}",
  "@media (prefers-color-scheme:dark){text{fill:#e4e9ef}.size,.after,.label{fill:#a7b3c0}.label{stroke:none}.box{fill:#2a323c}",
  ".convolution{fill:#1f3a5f}.dense{fill:#1f4427}.pooling{fill:#5a331d}.normalization{fill:#40295c}.merge{fill:#4d4214}}",
].join("");

/** Boxes in their places; edges that could not be drawn are said in the box that reads. */
function arrangeBoxes(rows: readonly LayerSummary[]): { readonly way: Arrangement<Box> } {
  const units = boxesOf(rows);
  const { omitted } = arrange(units);
  if (omitted.length === 0) return arrange(units);
  const told = units.map(({ unit, from }, reader) => {
    const sources = omitted
      .filter(([, r]) => r === reader)
      .map(([s]) => pathFrom(unit.path, units[s]!.unit.path));
    const also = sources.length === 0 ? [] : [`also takes ${sources.join(", ")}`];
    return { from, unit: { ...unit, after: [unit.after, ...also].filter(Boolean).join(", ") } };
  });
  return arrange(told);
}

/** Boxes, with the positions of those they read from. */
function boxesOf(rows: readonly LayerSummary[]): { unit: Box; from: number[] }[] {
  const readers = rows.map(() => 0);
  for (const { from } of rows) for (const source of from) if (source >= 0) readers[source]!++;
  const units: { unit: Box; from: number[] }[] = [];
  const unitOfRow: number[] = [];
  rows.forEach((row, i) => {
    const [source] = row.from;
    const before = source === undefined || source < 0 ? undefined : unitOfRow[source];
    const joins =
      before !== undefined &&
      row.from.length === 1 &&
      readers[source!] === 1 &&
      inPassing.includes(row.kind);
    if (joins) {
      const known = units[before]!;
      const word = wordFor(row);
      const after = [known.unit.after, word].filter((part) => part !== "").join(", ");
      units[before] = { ...known, unit: { ...known.unit, after, size: formatSize(row.output) } };
      unitOfRow[i] = before;
      return;
    }
    const { title, text } = describeLayer(row);
    const [named, path] = title.endsWith(` ${row.name}`)
      ? [title.slice(0, -row.name.length - 1), row.name]
      : [title, ""];
    const unit: Box = {
      category: categories[row.kind] ?? "other",
      title: row.kind === "sum" && row.from.length > 1 ? "+" : named,
      path,
      text: text.replace(", each sees one channel", ""),
      after: "",
      size: formatSize(row.output),
      within: row.within.filter(({ kind }) => !containers.includes(kind)),
    };
    const from = [...new Set(row.from.map((s) => (s < 0 ? -1 : unitOfRow[s]!)))];
    unitOfRow[i] = units.push({ unit, from }) - 1;
  });
  return units;
}

/** What a layer in passing is called: `batch norm`, `relu`; nothing where it changes no number. */
function wordFor({ kind, options }: LayerSummary): string {
  if (kind === "activation" || kind === "unary") return words(String(options.function));
  if (["flatten", "reshape", "permute", "identity"].includes(kind)) return "";
  return words(kind.replace(/[12]d$/, ""));
}

function words(name: string): string {
  return name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
}

/** Boxes that may be drawn as one: alike but for the path in their title. */
function keyOfBox({ category, title, text, after, size }: Box): string {
  return [category, title.replace(/\d+$/, ""), text, after, size].join("/");
}

/** What is drawn: boxes, one below the other or side by side, some in a frame. */
type Picture =
  | { readonly kind: "box"; readonly box: Box }
  | { readonly kind: "series"; readonly parts: readonly Picture[] }
  | { readonly kind: "parallel"; readonly ways: readonly Picture[] }
  | { readonly kind: "frame"; readonly label: string; readonly body: Picture };

/**
 * Puts frames round blocks and repetitions. `within` are the blocks whose frames are drawn already; paths inside them are
 * told from there on.
 */
function toPicture(way: Arrangement<Box>, within: readonly Block[]): Picture {
  switch (way.kind) {
    case "unit":
      return { kind: "box", box: seenFrom(way.unit, within) };
    case "series":
      return { kind: "series", parts: way.parts.map((part) => toPicture(part, within)) };
    case "repeat": {
      const body = toPicture(way.body, within);
      const count = `× ${way.count}`;
      return body.kind === "frame"
        ? { ...body, label: `${body.label}  ${count}` }
        : { kind: "frame", label: count, body };
    }
    case "branching": {
      const block = commonBlock(unitsOf(way), within);
      const known = block === undefined ? within : [...within, block];
      const ways: Picture = {
        kind: "parallel",
        ways: way.ways.map((inner) => toPicture(inner, known)),
      };
      const body: Picture =
        way.meet === undefined
          ? ways
          : { kind: "series", parts: [ways, { kind: "box", box: seenFrom(way.meet, known) }] };
      if (block === undefined) return body;
      const kind = words(block.kind);
      const label = block.name.startsWith(kind) ? block.name : `${kind} ${block.name}`;
      return { kind: "frame", label, body };
    }
  }
}

/** The innermost block that all boxes lie in, if its frame is not drawn yet. */
function commonBlock(boxes: readonly Box[], within: readonly Block[]): Block | undefined {
  const [first, ...rest] = boxes;
  const has = (blocks: readonly Block[], name: string) =>
    blocks.some((block) => block.name === name);
  const block = first?.within.findLast(({ name }) => rest.every((box) => has(box.within, name)));
  return block === undefined || has(within, block.name) ? undefined : block;
}

/** The box with its path told from the innermost frame on. */
function seenFrom(box: Box, within: readonly Block[]): Box {
  const frame = within.at(-1)?.name;
  if (frame === undefined) return box;
  if (box.path === frame) return { ...box, path: "" };
  return box.path.startsWith(`${frame}.`)
    ? { ...box, path: box.path.slice(frame.length + 1) }
    : box;
}

/** A path without what it shares with another: from `a.fusion`, `a.fine.1` is `fine.1`. */
function pathFrom(from: string, path: string): string {
  const [here, there] = [from.split("."), path.split(".")];
  const shared = there.findIndex((part, i) => part !== here[i]);
  return there.slice(Math.max(0, shared)).join(".");
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function heightOfBox({ text, after }: Box): number {
  return 12 + lineHeight * (1 + (text === "" ? 0 : 1) + (after === "" ? 0 : 1));
}

function measure(picture: Picture): Size {
  switch (picture.kind) {
    case "box":
      return { width: boxWidth, height: heightOfBox(picture.box) };
    case "frame": {
      const body = measure(picture.body);
      return { width: body.width + 2 * gap, height: body.height + 2 * gap };
    }
    case "series": {
      const { parts } = picture;
      if (parts.length === 0) return { width: straightWidth, height: 0 };
      const sizes = parts.map(measure);
      const gaps = parts.slice(1).reduce((sum, _, i) => sum + gapAfter(parts[i]!), 0);
      return {
        width: Math.max(...sizes.map(({ width }) => width)),
        height: sizes.reduce((sum, { height }) => sum + height, 0) + gaps,
      };
    }
    case "parallel": {
      const sizes = picture.ways.map(measure);
      return {
        width: sizes.reduce((sum, { width }) => sum + width, 0) + gap * (sizes.length - 1),
        height: Math.max(...sizes.map(({ height }) => height)) + 2 * fan,
      };
    }
  }
}

/** Ways that meet need no further line down to the box where they do. */
function gapAfter(picture: Picture): number {
  return picture.kind === "parallel" ? 0 : gap;
}

/** Elements of a picture whose upper middle is at (x, y). */
function draw(picture: Picture, x: number, y: number): string[] {
  switch (picture.kind) {
    case "box":
      return drawBox(picture.box, x, y);
    case "frame": {
      const { width, height } = measure(picture);
      const left = x - width / 2;
      return [
        `<rect class="frame" x="${left}" y="${y}" width="${width}" height="${height}" rx="8"/>`,
        wire(x, y, x, y + gap),
        `<text class="label" x="${left + 8}" y="${y + 14}">${escapeXml(picture.label)}</text>`,
        ...draw(picture.body, x, y + gap),
        wire(x, y + height - gap, x, y + height),
      ];
    }
    case "series": {
      const elements: string[] = [];
      let top = y;
      picture.parts.forEach((part, i) => {
        elements.push(...draw(part, x, top));
        top += measure(part).height;
        const space = gapAfter(part);
        if (i === picture.parts.length - 1 || space === 0) return;
        elements.push(wire(x, top, x, top + space));
        top += space;
      });
      return elements;
    }
    case "parallel":
      return drawWays(picture.ways, x, y, measure(picture));
  }
}

function drawWays(ways: readonly Picture[], x: number, y: number, size: Size): string[] {
  const elements: string[] = [];
  let left = x - size.width / 2;
  const bottom = y + size.height;
  for (const way of ways) {
    const { width, height } = measure(way);
    const middle = left + width / 2;
    elements.push(wire(x, y, middle, y + fan), ...draw(way, middle, y + fan));
    if (y + fan + height < bottom - fan) {
      elements.push(wire(middle, y + fan + height, middle, bottom - fan));
    }
    elements.push(wire(middle, bottom - fan, x, bottom));
    left += width + gap;
  }
  return elements;
}

/** A line that leaves and arrives upright. */
function wire(x1: number, y1: number, x2: number, y2: number): string {
  if (x1 === x2) return `<path class="wire" d="M${x1} ${y1}V${y2}"/>`;
  const half = (y1 + y2) / 2;
  return `<path class="wire" d="M${x1} ${y1}C${x1} ${half} ${x2} ${half} ${x2} ${y2}"/>`;
}

function drawBox(box: Box, x: number, y: number): string[] {
  const { category, title, path, text, after, size } = box;
  const left = x - boxWidth / 2;
  // Bold letters of this size are about 7.2 pixels wide, plain ones 6.
  const room = Math.floor((boxWidth - 26) / 7.2) - size.length;
  const head = `${title} ${shortenPath(path, room - title.length - 1)}`.trimEnd();
  const lines = [
    `<text class="title" x="${left + 8}" y="${y + 16}">${escapeXml(shorten(head, room))}</text>`,
    `<text class="size" x="${left + boxWidth - 8}" y="${y + 16}" text-anchor="end">${escapeXml(size)}</text>`,
  ];
  let line = y + 16;
  for (const [kind, words] of [
    ["text", text],
    ["after", after],
  ] as const) {
    if (words === "") continue;
    line += lineHeight;
    lines.push(
      `<text class="${kind}" x="${left + 8}" y="${line}">${escapeXml(shorten(words, 42))}</text>`,
    );
  }
  const rect = `<rect class="box ${category}" x="${left}" y="${y}" width="${boxWidth}" height="${heightOfBox(box)}" rx="5"/>`;
  return [rect, ...lines];
}

function shorten(words: string, length: number): string {
  return words.length <= length ? words : `${words.slice(0, length - 1)}…`;
}

/** The end of a path says most; where only a few letters fit it is left out. */
function shortenPath(path: string, length: number): string {
  if (path.length <= length) return path;
  return length < 6 ? "" : `…${path.slice(1 - length)}`;
}

function escapeXml(words: string): string {
  return words
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
