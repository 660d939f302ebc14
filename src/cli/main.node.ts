#!/usr/bin/env node
import * as module from "node:module";
import process from "node:process";

// Node keeps what it compiled on disk (from 22 on; NODE_COMPILE_CACHE names the folder), so a second start takes half the time.
module.enableCompileCache?.();
const { runCommandLine } = await import("./program.node.ts");

process.exitCode = await runCommandLine(process.argv.slice(2));
