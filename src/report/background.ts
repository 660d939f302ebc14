import type { RunRecord } from "../train/record.ts";
import { compact, duration, escapeHtml, integer, section, table } from "./html.ts";

/** How many images of each class are in which part, and what was found wrong with them. */
export function dataTable({ data }: RunRecord): string {
  const rows = data.classes.map(({ label, train, val, test }) => [
    escapeHtml(label),
    integer(train),
    integer(val),
    integer(test),
  ]);
  rows.push([
    "<b>all</b>",
    integer(data.images.train),
    integer(data.images.val),
    integer(data.images.test),
  ]);
  const links = Object.entries(data.groups.links)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${integer(count)} by ${reason}`);
  const groups =
    links.length === 0
      ? "Every image stands alone; no bursts or near-duplicates were found."
      : `${integer(data.groups.count)} groups that were never cut: images were joined ${links.join(", ")}.`;
  const bad =
    data.bad.length === 0
      ? ""
      : `<p class="note">${integer(data.bad.length)} files could not be used and were left out.</p><details><summary>Which</summary>${table(
          ["file", "why"],
          data.bad.map(({ file, message }) => [escapeHtml(file), escapeHtml(message)]),
        )}</details>`;
  const notes = data.notes.map((note) => `<p class="note">${escapeHtml(note)}</p>`).join("");
  return section(
    "split",
    "How the images were split",
    `${table(["class", "training", "validation", "test"], rows, [1, 2, 3])}<p>${groups}</p>${notes}${bad}`,
  );
}

/** The net, layer by layer, with sizes and parameters. */
export function network({ net }: RunRecord): string {
  const rows = net.layers.map(({ name, kind, output, parameters, macs }) => [
    escapeHtml(name),
    escapeHtml(kind),
    escapeHtml(volume(output)),
    parameters === 0 ? "" : integer(parameters),
    macs === 0 ? "" : compact(macs),
  ]);
  const [c, h, w] = net.input;
  return section(
    "network",
    "The network",
    `<p>${escapeHtml(net.name)} (${escapeHtml(net.variant)}) on ${h}x${w}x${c}: ${integer(net.parameters)} parameters, ${compact(net.macs)} multiply-adds an image.</p><details><summary>${net.layers.length} layers</summary>${table(["layer", "kind", "output", "parameters", "multiply-adds"], rows, [2, 3, 4])}</details>`,
  );
}

/** Height x width x channels, as the literature prints it. */
function volume(shape: readonly number[]): string {
  const [c, h, w] = shape;
  return shape.length === 3 ? `${h}x${w}x${c}` : shape.join("x");
}

/** Everything needed to train it again. */
export function repetition(record: RunRecord): string {
  const { choices, machine, data } = record;
  const chosen =
    choices.length === 0
      ? ""
      : `<h3>Chosen for this data</h3>${table(
          ["what", "value", "why"],
          choices.map(({ what, value, why }) => [
            escapeHtml(what),
            escapeHtml(value),
            escapeHtml(why),
          ]),
        )}`;
  const facts = [
    ["version", `striate ${record.version}`],
    ["made", record.created],
    [
      "machine",
      `${machine.processor}, ${machine.cores} cores, ${machine.platform}, ${machine.node}`,
    ],
    ["backend", machine.backend],
    ["time", duration(record.seconds)],
    ["data", `${data.path} (${data.format})`],
    ["data fingerprint", data.fingerprint],
    ["weights, SHA-256", record.weightsSha256],
  ].map(([what, value]) => [what!, escapeHtml(value!)]);
  return section(
    "repeat",
    "To repeat it",
    `<pre>${escapeHtml(record.command.join(" "))}</pre><p>The same data, version and seed give the same weights to the last bit, on any number of threads.</p>${table(["", ""], facts)}${chosen}<details><summary>The whole plan</summary><pre>${escapeHtml(JSON.stringify(record.plan, undefined, 2))}</pre></details>`,
  );
}
