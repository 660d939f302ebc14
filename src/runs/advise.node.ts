import { selectItems } from "../data/manifest.ts";
import { findGroups } from "../data/split/groups.ts";
import { splitData } from "../data/split/splitData.ts";
import { wilsonInterval } from "../metrics/wilsonInterval.ts";
import { cutPlaces, transferNet } from "../models/cutNet.ts";
import { linearBaseline } from "../train/baselines.ts";
import { linearProbe } from "../train/linearProbe.ts";
import { declarations } from "../train/stepGraph.ts";
import { codesOf } from "./codes.node.ts";
import { evenChoice, pixelTable } from "./pixelTable.ts";
import { prepareData } from "./prepareData.node.ts";
import { openTrainingData } from "./runData.node.ts";
import { type StartModel, startWeights } from "./startModel.node.ts";
import { type Advice, type DepthProbe, decideStrategy, type SetSize } from "./strategy.ts";
import type { RunContext } from "./trainRun.node.ts";

/** More images than this tell a linear probe nothing new. */
const mostImages = 2000;
/** How far up the net probes are made, beside the top. */
const depths = [1 / 3, 2 / 3] as const;

/**
 * Measures how many images a set has and how well codes of given weights tell its classes apart at several depths, and
 * recommends what to do with the weights.
 */
export async function advise(
  path: string,
  start: StartModel | undefined,
  seed: number,
  context: RunContext,
): Promise<Advice> {
  const set = await openTrainingData(path);
  const size = sizeOf(set);
  if (start === undefined) return decideStrategy(size, undefined);
  const { model } = start;
  const { listener, threads, signal, backend } = context;
  const all = set.items.map((_, index) => index);
  const prepared = await prepareData(
    selectItems(set, evenChoice(all, mostImages)),
    model.geometry,
    {
      threads,
      onProgress: (done, total) => listener({ type: "progress", phase: "decode", done, total }),
      ...(signal === undefined ? {} : { signal }),
    },
  );
  const groups = findGroups(prepared.set, prepared.facts);
  const { train, val } = splitData(withoutParts(prepared.set), groups, { seed, val: 0.3 });
  const labels = prepared.set.items.map(({ label }) => label);
  const classes = prepared.set.classes.length;
  const { cut: top } = transferNet(model.net, classes);
  const probes: DepthProbe[] = [];
  for (const cut of [...earlierCuts(cutPlaces(model.net), top), top]) {
    const { body, codes: width } = transferNet(model.net, classes, cut);
    const { input } = model.net;
    const { normalization } = model;
    const declared = declarations({ net: body, input, classes: width, normalization });
    const codes = await codesOf(
      { prepared },
      {
        body,
        input,
        codes: width,
        normalization,
        weights: startWeights(start, declared),
        sha256: start.sha256,
        cut,
      },
      context,
    );
    const session = await backend.open();
    const options = { labels, classes, train, val, seed };
    const { correct, total } = await linearProbe(codes, options, session).finally(() =>
      session.close(),
    );
    probes.push({
      cut,
      codes: width,
      accuracy: correct / total,
      ci95: wilsonInterval(correct, total),
    });
  }
  const session = await backend.open();
  const pixels = await linearBaseline(
    session,
    await pixelTable(prepared, train, train.length),
    await pixelTable(prepared, val, val.length),
    classes,
    seed,
  ).finally(() => session.close());
  return decideStrategy(size, {
    weights: start.name,
    net: model.net.name,
    images: train.length + val.length,
    pixels: pixels.accuracy,
    probes,
  });
}

function withoutParts<T extends { readonly items: readonly { readonly split?: unknown }[] }>(
  set: T,
): T {
  return { ...set, items: set.items.map(({ split: _, ...item }) => item) };
}

function sizeOf(set: {
  readonly classes: readonly string[];
  readonly items: readonly { readonly label: number }[];
}): SetSize {
  const counts = set.classes.map(
    (_, label) => set.items.filter((item) => item.label === label).length,
  );
  const sorted = [...counts].sort((a, b) => a - b);
  return {
    images: set.items.length,
    classes: set.classes.length,
    perClass: {
      smallest: sorted[0]!,
      median: sorted[sorted.length >> 1]!,
      largest: sorted.at(-1)!,
    },
  };
}

/** Layers below the top one, evenly over the net. */
function earlierCuts(places: readonly string[], top: string): string[] {
  const holdsTop = (place: string) => place === top || top.startsWith(`${place}.`);
  const end = places.findIndex(holdsTop);
  const below = places.slice(0, end);
  const chosen = depths.map((share) => below[Math.round(share * below.length) - 1]);
  return [...new Set(chosen.filter((place) => place !== undefined))];
}
