import { createNet, netNames } from "./catalogue.ts";
import { summarize } from "./summary.ts";

/** A bar of {@link depthChart}. */
export interface DepthEntry {
  readonly name: string;
  readonly year: number;
  /** Layers with weights on the longest way through the net. */
  readonly depth: number;
  readonly params: number;
  /** Top-5 error in the ImageNet challenge, in percent, where the net took part. */
  readonly challengeError?: number;
}

/**
 * Top-5 test errors of the entries in the ImageNet challenge (ensembles): Krizhevsky et al. 2012, section 6; Russakovsky
 * et al. 2015, table 7, for 2013 (Clarifai, by the author of ZFNet) and 2014; He et al. 2016, table 5.
 */
const challengeErrors: Readonly<Record<string, number>> = {
  alexnet: 15.3,
  zfnet: 11.7,
  vgg19: 7.3,
  googlenet: 6.7,
  resnet152: 3.57,
};

/** Depths of nets of the catalogue, all of them unless told otherwise, the oldest first. No weights are made. */
export function catalogueDepths(names: readonly string[] = netNames()): DepthEntry[] {
  return names
    .map((name): DepthEntry => {
      const net = createNet(name);
      const { depth, params } = summarize(net);
      const challengeError = challengeErrors[name];
      return {
        name,
        year: net.year,
        depth,
        params,
        ...(challengeError === undefined ? {} : { challengeError }),
      };
    })
    .sort((a, b) => a.year - b.year || a.depth - b.depth || a.name.localeCompare(b.name));
}

const rowHeight = 20;
const nameWidth = 170;
const barWidth = 460;
const margin = 16;
const noteWidth = 176;

/**
 * The "revolution of depth" as an SVG picture: a bar for each net, as long as its longest way has layers with weights,
 * by year. After the chart of He et al.'s talk at CVPR 2016.
 *
 * @example
 * const svg = depthChart(catalogueDepths(["alexnet", "vgg19", "googlenet", "resnet152"]));
 */
export function depthChart(entries: readonly DepthEntry[]): string {
  const longest = Math.max(1, ...entries.map(({ depth }) => depth));
  const width = 2 * margin + nameWidth + barWidth + noteWidth;
  const height = 2 * margin + 24 + rowHeight * entries.length;
  const left = margin + nameWidth;
  const rows = entries.map((entry, i) => {
    const y = margin + 24 + rowHeight * i;
    const length = Math.max(1, Math.round((barWidth * entry.depth) / longest));
    const isNewYear = i === 0 || entries[i - 1]!.year !== entry.year;
    const layers = `${entry.depth} ${entry.depth === 1 ? "layer" : "layers"}`;
    const error = entry.challengeError;
    const note = error === undefined ? layers : `${layers}, top-5 error ${error} %`;
    return [
      ...(isNewYear ? [`<text class="year" x="${margin}" y="${y + 14}">${entry.year}</text>`] : []),
      `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escapeXml(entry.name)}</text>`,
      `<rect class="bar" x="${left}" y="${y + 3}" width="${length}" height="${rowHeight - 6}" rx="2"/>`,
      `<text class="note" x="${left + length + 6}" y="${y + 14}">${note}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Depth of nets by year">`,
    "<title>Depth of nets by year</title>",
    `<style>${style}</style>`,
    `<text class="heading" x="${margin}" y="${margin + 10}">Layers with weights on the longest way from image to classes</text>`,
    ...rows,
    "</svg>",
    "",
  ].join("\n");
}

const style = [
  "text{font:11px system-ui,sans-serif;fill:#1d2733}.heading,.year{font-weight:600}.note{fill:#5b6b7b}",
  ".bar{fill:#5b8fd6}",
  "@media (prefers-color-scheme:dark){text{fill:#e4e9ef}.note{fill:#a7b3c0}.bar{fill:#6fa3e8}}",
].join("");

function escapeXml(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
