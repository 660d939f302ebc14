/** Who is measured, and how each is started: always as a process of its own that prints one line of JSON. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cache, install, root } from "./cache.ts";
import type { Mode, Row } from "./rows.ts";

/** What a run reports, in the form of `striate bench --json`. */
export interface Measurement {
  readonly images_per_s: number;
  readonly step_ms_median: number;
  readonly first_step_ms: number;
  /** Null where the work is done in other processes. */
  readonly peak_rss_mb: number | null;
  /** Versions, and what it computes with. */
  readonly backend: string;
  readonly note: string;
}

export interface Job {
  readonly row: Row;
  readonly mode: Mode;
  readonly threads: number;
  readonly seconds: number;
}

/** One way to run a net. Several ways of one peer compete, and the fastest counts. */
export interface Contestant {
  readonly peer: string;
  readonly way: string;
  /** A measurement, or why there is none. */
  measure(job: Job): Measurement | string;
}

/** A step that takes longer than this is given up, in seconds. */
const patience = 180;
const python = "/usr/bin/python3";
/** What PyTorch 1.13 and its libraries obey to keep to AVX2, as on a machine without AVX-512. */
const avx2 = {
  ATEN_CPU_CAPABILITY: "avx2",
  ONEDNN_MAX_CPU_ISA: "AVX2",
  DNNL_MAX_CPU_ISA: "AVX2",
  OPENBLAS_CORETYPE: "Haswell",
};

const striate: Contestant = {
  peer: "striate",
  way: "",
  measure: (job) =>
    start(process.execPath, [
      ...["--conditions=source", join(root, "src/cli/main.node.ts"), "bench"],
      ...flags(job),
      ...["--variant", job.row.variant, "--json", "--quiet"],
    ]),
};

/** The built package under another Node: the first on the path that is not the project's own. */
const systemNode: Contestant = {
  peer: "system-node",
  way: "",
  measure(job) {
    const node = (process.env.PATH ?? "")
      .split(delimiter)
      .filter((folder) => !folder.includes("node_modules"))
      .map((folder) => join(folder, process.platform === "win32" ? "node.exe" : "node"))
      .find((path) => existsSync(path));
    if (node === undefined) return "no Node on the path beside the project's own";
    const failure = buildPackage();
    if (failure !== undefined) return failure;
    return start(node, [
      ...[join(root, "dist/cli/main.node.js"), "bench", ...flags(job)],
      ...["--variant", job.row.variant, "--json", "--quiet"],
    ]);
  },
};

let isBuilt = false;

/** Compiles src to dist, once in a benchmark. */
function buildPackage(): string | undefined {
  if (isBuilt) return undefined;
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: root,
    encoding: "utf8",
  });
  if (status !== 0) return `the package does not build: ${stdout.trim().split("\n")[0]}`;
  isBuilt = true;
  return undefined;
}

const chromium: Contestant = {
  peer: "chromium",
  way: "",
  measure: (job) =>
    start(process.execPath, [
      ...["--conditions=source", join(root, "bench/peers/chromium.ts"), ...flags(job)],
      ...["--variant", job.row.variant],
    ]),
};

function pytorch(peer: string, way: string, environment: Readonly<Record<string, string>>) {
  return {
    peer,
    way,
    measure: (job: Job) =>
      start(
        python,
        [join(root, "bench/peers/pytorch.py"), ...flags(job), "--layout", way],
        environment,
      ),
  };
}

const onnxruntime: Contestant = {
  peer: "onnxruntime",
  way: "",
  measure(job) {
    if (job.mode === "train") return "onnxruntime-node does not train";
    const { net, input, batch } = job.row;
    const failure = install(["onnxruntime-node@1.30.0"]);
    if (failure !== undefined) return failure;
    const file = join(cache, `${net}-${input}-${batch}.onnx`);
    if (!existsSync(file)) {
      mkdirSync(cache, { recursive: true });
      const made = start(python, [
        join(root, "bench/peers/pytorch.py"),
        ...flags({ ...job, seconds: 0 }),
        "--onnx",
        file,
      ]);
      if (typeof made === "string") return `no ONNX file: ${made}`;
    }
    return start(process.execPath, [
      join(root, "bench/peers/onnxruntime.ts"),
      ...flags(job),
      ...["--file", file],
    ]);
  },
};

/** A library of JavaScript: its nets are built in bench/peers/NAME.ts from the descriptions of bench/peers/nets.ts. */
function library(peer: string, way: string, packages: readonly string[]): Contestant {
  return {
    peer,
    way,
    measure(job) {
      const failure = install(packages);
      if (failure !== undefined) return failure;
      return start(process.execPath, [
        join(root, `bench/peers/${peer}.ts`),
        ...flags(job),
        ...["--backend", way],
      ]);
    },
  };
}

const tfjs = (backend: string) =>
  library("tfjs", backend, [
    "@tensorflow/tfjs@4.22.0",
    `@tensorflow/tfjs-backend-${backend}@4.22.0`,
  ]);

const everyone: readonly Contestant[] = [
  striate,
  pytorch("pytorch", "contiguous", {}),
  pytorch("pytorch", "channels_last", {}),
  pytorch("pytorch-avx2", "contiguous", avx2),
  pytorch("pytorch-avx2", "channels_last", avx2),
  onnxruntime,
  tfjs("wasm"),
  tfjs("cpu"),
  library("jaxjs", "wasm", ["@jax-js/jax@0.1.25"]),
  systemNode,
  chromium,
];

export const peerNames: readonly string[] = [...new Set(everyone.map(({ peer }) => peer))];

/** Striate first, then every way of the peers named. */
export function contestants(peers: readonly string[]): readonly Contestant[] {
  return everyone.filter(({ peer }) => peer === "striate" || peers.includes(peer));
}

function flags({ row, mode, threads, seconds }: Job): string[] {
  const { net, input, classes, batch } = row;
  return [
    ...["--net", net, "--input", input, "--classes", String(classes), "--mode", mode],
    ...["--batch", String(batch), "--threads", String(threads), "--seconds", String(seconds)],
  ];
}

function start(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Measurement | string {
  const { status, stdout, stderr, error, signal } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
    timeout: patience * 1000,
    maxBuffer: 2 ** 26,
  });
  if (signal !== null) return `stopped after ${patience} s`;
  if (error !== undefined) return error.message;
  if (status !== 0) return lastLine(stderr);
  // Libraries may greet before the document.
  return JSON.parse(stdout.slice(stdout.search(/^\{/m))) as Measurement;
}

/** The line that says what went wrong: the last that names an error, else the last. */
function lastLine(text: string): string {
  const lines = text.trim().split("\n");
  return (lines.findLast((line) => /Error\b.*:/.test(line)) ?? lines.at(-1) ?? "").trim();
}
