// `npm test`: installs what is missing, runs every test, ends with `N passed, M failed, K skipped`.
import { ensureInstalled, runUnderProjectNode } from "./install.mjs";

ensureInstalled();
runUnderProjectNode("scripts/runTests.mjs", process.argv.slice(2));
