// Throughput of Striate on a page of an installed Chromium; the engine runs in the page's workers.
import { bundle } from "../../scripts/bundle.ts";
import { findBrowser, noBrowser, withPage } from "../../test/browser/chromium.ts";
import type {} from "./chromiumPage.ts";
import { answer, readRequest } from "./request.ts";

const request = readRequest(["variant"]);
if (findBrowser() === undefined) {
  process.stderr.write(`Error: ${noBrowser}\n`);
  process.exit(1);
}
const { net, classes, mode, batch, threads, seconds, values } = request;
const [height, width, channels] = request.input;
const code = await bundle("bench/peers/chromiumPage.ts");
const { backend, ...times } = await withPage(code, { isolated: true }, (page) =>
  page.evaluate((wanted) => globalThis.timeWork(wanted), {
    net,
    variant: values.variant!,
    classes,
    input: [channels, height, width] as const,
    mode,
    batch,
    threads,
    seconds,
  }),
);
answer("chromium", request, times, backend, null);
