// `npm start -- <verb> …`: installs what is missing, then runs the command line.
import { ensureInstalled, runUnderProjectNode } from "./install.mjs";

ensureInstalled();
const args = process.argv.slice(2);
runUnderProjectNode("src/cli/main.node.ts", args.length === 0 ? ["sample"] : args);
