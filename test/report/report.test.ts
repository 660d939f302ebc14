import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { renderReport } from "../../src/report/reportHtml.ts";
import { findBrowser, noBrowser } from "../browser/chromium.ts";
import { sampleRun } from "./sampleRecord.ts";

describe("report.html", () => {
  test("begins with the accuracy, its counts and its interval", async () => {
    const { record, pictures } = await sampleRun();
    const html = renderReport(record, pictures);
    const { val } = record;
    expect(html).toContain(`<span class="big">${(val.accuracy * 100).toFixed(1)} %</span>`);
    expect(html).toContain(`${val.correct} of ${val.total}`);
    expect(html).toContain(`95 % interval ${(val.ci95[0] * 100).toFixed(1)} %`);
  });

  test("says what else a careful reader should know of the accuracy", async () => {
    const { record, pictures } = await sampleRun();
    const html = renderReport(record, pictures);
    const [low, high] = record.groupedCi95!;
    expect(html).toContain(
      `${(low * 100).toFixed(1)} % to ${(high * 100).toFixed(1)} % if each of their 221 bursts`,
    );
    expect(html).toContain("Epoch 28 of 30 was picked for its accuracy on these images");
    expect(html).toContain("All folds together: 1,035 of 1,190 images right");
    const last = { ...record, kept: { epoch: 30, rule: "last" as const }, groupedCi95: null };
    expect(renderReport(last, pictures)).not.toMatch(/was picked for|bursts and single images/);
  });

  test("loads nothing and lets no text become code", async () => {
    const { record, pictures } = await sampleRun();
    const html = renderReport({ ...record, name: "<script>alert(1)</script>" }, pictures);
    expect(html).not.toContain("<b>lamp</b>");
    expect(html).not.toContain("<script>alert");
    expect(html).not.toMatch(/(src|href)="(?!data:)/);
    expect(html).toContain("default-src 'none'");
  });

  test("a cell of the confusion matrix opens its pictures", async ({ skip }) => {
    if (findBrowser() === undefined) skip(noBrowser);
    await withReport(async (page) => {
      const cell = page.locator('[data-cell="0-1"]');
      const count = Number(await cell.textContent());
      await cell.click();
      expect(await page.locator("dialog .photo").count()).toBe(count);
      expect(await page.locator("dialog img").first().isVisible()).toBe(true);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
    });
  });

  test("prints every picture, scrolled to or not", async ({ skip }) => {
    if (findBrowser() === undefined) skip(noBrowser);
    await withReport(async (page) => {
      const sources = await page
        .locator("img:visible")
        .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).src));
      const pdf = (await page.pdf({ format: "A4" })).toString("latin1");
      expect(sources.length).toBeGreaterThan(0);
      expect(pdf.match(/\/Subtype \/Image/g)?.length).toBeGreaterThanOrEqual(new Set(sources).size);
    });
  });
});

/** Opens the sample run's report in a browser; the page may have no problems. */
async function withReport(use: (page: Page) => Promise<void>): Promise<void> {
  const { record, pictures } = await sampleRun();
  const folder = mkdtempSync(join(tmpdir(), "striate-report-"));
  const path = join(folder, "report.html");
  writeFileSync(path, renderReport(record, pictures));
  const browser = await chromium.launch({
    executablePath: findBrowser()!,
    args: ["--no-sandbox"],
  });
  try {
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    await page.goto(`file://${path}`);
    await use(page);
    expect(problems).toEqual([]);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
