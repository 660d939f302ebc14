// Which folder of src may import which: docs/architecture.md as a table, checked over every import.
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { dirname, join, normalize, relative } from "node:path";
import { root } from "./install.mjs";

const engine = ["core", "graph", "autodiff", "plan"];
const nets = ["core", "graph", "initializers", "layers"];

/** Rooms that each room may import, beside itself. A room that is not listed may import all. */
const allowed = {
  core: [],
  graph: ["core"],
  autodiff: ["core", "graph"],
  plan: ["core", "graph"],
  backends: engine,
  initializers: ["core", "graph"],
  layers: ["core", "graph", "initializers"],
  losses: nets,
  metrics: ["core"],
  optim: ["core", "graph"],
  models: nets,
  data: ["core"],
  formats: ["core", "graph", "initializers", "layers", "models"],
  train: [...engine, ...nets, "losses", "metrics", "optim", "data"],
  explain: [...engine, ...nets],
  report: ["core", "metrics", "train"],
  exporters: [
    ...engine,
    ...nets,
    "backends",
    "models",
    "formats",
    "data",
    "train",
    "runs",
    "report",
  ],
};

/** Rooms that import no package at run time: they load in a browser in kilobytes. */
const selfContained = new Set([
  ...engine,
  ...nets,
  "backends",
  "losses",
  "metrics",
  "optim",
  "models",
  "train",
]);

/** Every broken rule, as a line of text. */
export async function findViolations() {
  const violations = [];
  const edges = new Map();
  for await (const path of glob("src/**/*.ts", { cwd: root })) {
    const text = readFileSync(join(root, path), "utf8");
    const room = roomOf(path);
    const isTest = /\.(test|testCases|bench)\.ts$/.test(path);
    const targets = [];
    for (const { specifier, typeOnly } of importsOf(text)) {
      if (specifier.startsWith("node:")) {
        if (!/\.(node|test)\.ts$/.test(path)) {
          violations.push(`${path}: imports ${specifier}; only *.node.ts files may.`);
        }
      } else if (specifier.startsWith(".")) {
        const target = normalize(join(dirname(path), specifier));
        if (!typeOnly) targets.push(target);
        const other = roomOf(target);
        if (isTest || room === undefined || other === room || allowed[room] === undefined) continue;
        if (other === undefined || !allowed[room].includes(other)) {
          violations.push(`${path}: ${room} may not import ${relative("src", target)}.`);
        }
      } else if (!specifier.startsWith("#") && !typeOnly && !isTest && selfContained.has(room)) {
        violations.push(`${path}: imports the package ${specifier}; ${room} is self-contained.`);
      }
    }
    edges.set(normalize(path), targets);
  }
  return [...violations, ...findCycles(edges)];
}

function roomOf(path) {
  const parts = normalize(path).split("/");
  return parts[0] === "src" && parts.length > 2 ? parts[1] : undefined;
}

function importsOf(text) {
  const found = [];
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  for (const match of code.matchAll(/^\s*(?:import|export)\s+([^;"']*?)\s*from\s*"([^"]+)"/gm)) {
    const names = match[1];
    const inBraces = /^\{([\s\S]*)\}$/
      .exec(names)?.[1]
      .split(",")
      .filter((name) => name.trim());
    const typeOnly =
      names.startsWith("type ") || (inBraces?.every((name) => /^\s*type\s/.test(name)) ?? false);
    found.push({ specifier: match[2], typeOnly });
  }
  for (const match of code.matchAll(/^\s*import\s*"([^"]+)"/gm)) {
    found.push({ specifier: match[1], typeOnly: false });
  }
  for (const match of code.matchAll(/\bimport\("([^"]+)"\)/g)) {
    found.push({ specifier: match[1], typeOnly: false });
  }
  return found;
}

function findCycles(edges) {
  const state = new Map();
  const path = [];
  const cycles = [];
  const visit = (file) => {
    state.set(file, "open");
    path.push(file);
    for (const next of edges.get(file) ?? []) {
      // An operation and its gradient's operation name each other; neither calls the other while loading.
      const derivatives = file.includes("graph/ops/") && next.includes("graph/ops/");
      if (state.get(next) === "open" && !derivatives) {
        cycles.push(`import cycle: ${[...path.slice(path.indexOf(next)), next].join(" → ")}`);
      } else if (!state.has(next)) visit(next);
    }
    path.pop();
    state.set(file, "done");
  };
  for (const file of edges.keys()) if (!state.has(file)) visit(file);
  return cycles;
}
