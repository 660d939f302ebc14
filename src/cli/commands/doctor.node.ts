import { readdir, statfs } from "node:fs/promises";
import { arch, cpus, freemem, platform, release, totalmem } from "node:os";
import process from "node:process";
import { z } from "zod";
import { defaultThreads, wasm } from "../../backends/wasm/backend.ts";
import { cacheFolder } from "../../runs/cacheFolder.node.ts";
import { defineCommand } from "../command.ts";
import { commonOptions } from "../commonOptions.ts";
import { formatBytes } from "../quantities.ts";
import { textTable } from "../table.ts";

/** `striate doctor`: what this machine offers and what will be used. */
export const doctorCommand = defineCommand({
  summary: "Show what this machine offers and what will be used.",
  arguments: [],
  options: z.object({ ...commonOptions }),
  examples: ["striate doctor", "striate doctor --json"],
  async run({ version }) {
    const processors = cpus();
    const engine = describeEngine();
    const { threads, reason } = defaultThreads();
    const cache = cacheFolder();
    const disk = await statfs(process.cwd()).catch(() => undefined);
    const free = disk === undefined ? undefined : disk.bavail * disk.bsize;
    const document = {
      version,
      node: process.versions.node,
      v8: process.versions.v8,
      platform: platform(),
      arch: arch(),
      release: release(),
      processor: processors[0]?.model.trim() ?? "unknown",
      cores: processors.length,
      threads,
      sharedMemory: reason === undefined,
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      freeDiskBytes: free ?? null,
      cacheFolder: cache,
      cached: (await readdir(cache).catch(() => [])).length > 0,
      backends: {
        wasm: engine,
        reference: { usable: true, description: "slow, defines every operation" },
      },
      used: engine.usable ? "wasm" : "reference",
    };
    const rows = [
      ["striate", version],
      ["Node", `${document.node} (V8 ${document.v8})`],
      ["system", `${document.platform} ${document.release} ${document.arch}`],
      ["processor", `${document.processor}, ${document.cores} cores`],
      [
        "memory",
        `${formatBytes(document.memoryBytes)}, ${formatBytes(document.freeMemoryBytes)} free`,
      ],
      ["disk here", free === undefined ? "unknown" : `${formatBytes(free)} free`],
      ["cache", `${cache}${document.cached ? "" : " (empty)"}`],
      ["wasm backend", engine.description],
      ["threads", reason ?? `${threads}, over shared memory (SharedArrayBuffer)`],
      ["", "on a web page: one, unless the page is cross-origin isolated"],
      ["used by auto", document.used],
    ];
    const text = textTable([{ title: "" }, { title: "" }], rows).trimStart();
    return { document, text, exitCode: engine.usable ? 0 : 1 };
  },
});

function describeEngine(): { readonly usable: boolean; readonly description: string } {
  try {
    return { usable: true, description: wasm().description };
  } catch (error) {
    return { usable: false, description: error instanceof Error ? error.message : String(error) };
  }
}
