import type { RunRecord } from "../train/record.ts";
import { duration, escapeHtml, integer, percent } from "./html.ts";

/** Accuracy, its interval, and what to compare it with: what a reader in a hurry wants. */
export function headline(record: RunRecord): string {
  const { val, net, data } = record;
  const [low, high] = val.ci95;
  const card = (value: string, label: string) =>
    `<div class="card"><b>${escapeHtml(value)}</b><span>${escapeHtml(label)}</span></div>`;
  const facts = [
    card(`${integer(val.correct)} of ${integer(val.total)}`, "validation images right"),
    card(val.loss.toFixed(3), "log-loss"),
    ...(val.classes.length > 5 ? [card(percent(val.top5), "among the five likeliest")] : []),
    card(percent(val.macro.f1), "macro F1"),
    card(percent(record.train.accuracy), "on training images"),
    card(integer(net.parameters), `parameters, ${net.name}`),
    card(duration(record.seconds), `${Math.round(record.imagesPerSecond)} images/s`),
  ];
  const ended =
    record.ended === "done"
      ? ""
      : `<p class="note">${record.ended === "early" ? "Training ended early: validation had stopped improving." : "Training was interrupted; this is the model so far. Continue it with “striate resume”."}</p>`;
  return `<header><h1>${escapeHtml(record.name)} · ${escapeHtml(data.name)}, ${data.classes.length} classes</h1>
<div class="lead"><span class="big">${percent(val.accuracy)}</span><span class="interval">accuracy on ${integer(val.total)} images kept apart from training<br><span class="soft">95 % interval ${percent(low)} to ${percent(high)} (Wilson)${grouped(record)}</span></span></div>
${scale(record)}${ended}${picked(record)}<div class="cards">${facts.join("")}</div></header>`;
}

/** The interval that counts bursts, not images. */
function grouped({ groupedCi95, data }: RunRecord): string {
  if (groupedCi95 === null) return "";
  const [low, high] = groupedCi95;
  return `<br>${percent(low)} to ${percent(high)} if each of their ${integer(data.groups.val)} bursts and single images counts once`;
}

/** What picking an epoch by these very images does to the figure. */
function picked({ kept, history }: RunRecord): string {
  const last = history.at(-1)?.val;
  if (kept.rule !== "best" || last === undefined || history.length < 2) return "";
  return `<p class="note">Epoch ${kept.epoch} of ${history.length} was picked for its accuracy on these images, which flatters; the last had ${percent(last.accuracy)}.</p>`;
}

/** The accuracy on a line from 0 to 100 %, with its interval and the baselines. */
function scale({ val, baselines }: RunRecord): string {
  const x = (share: number) => (share * 1000).toFixed(1);
  const [low, high] = val.ci95;
  const marks = baselines.map(
    ({ name, accuracy }) =>
      `<line x1="${x(accuracy)}" x2="${x(accuracy)}" y1="6" y2="24" stroke="var(--b)" stroke-width="3"><title>${escapeHtml(name)}: ${percent(accuracy)}</title></line>`,
  );
  const text = baselines
    .map(({ name, accuracy }) => `${escapeHtml(name)} ${percent(accuracy)}`)
    .join(", ");
  return `<div class="bar"><svg viewBox="0 0 1000 30" preserveAspectRatio="none" role="img" aria-label="Accuracy from 0 to 100 percent"><rect x="0" y="13" width="1000" height="4" fill="var(--rule)"/>${marks.join("")}<rect x="${x(low)}" y="8" width="${((high - low) * 1000).toFixed(1)}" height="14" fill="var(--a)" opacity=".35"/><line x1="${x(val.accuracy)}" x2="${x(val.accuracy)}" y1="3" y2="27" stroke="var(--a)" stroke-width="4"/></svg></div>${text === "" ? "" : `<small>For comparison, on the same images: ${text}.</small>`}`;
}
