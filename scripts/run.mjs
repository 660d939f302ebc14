// `node scripts/run.mjs SCRIPT …`: installs what is missing, then runs SCRIPT under the project's Node.
import { ensureInstalled, runUnderProjectNode } from "./install.mjs";

ensureInstalled();
const [script, ...args] = process.argv.slice(2);
runUnderProjectNode(script, args);
