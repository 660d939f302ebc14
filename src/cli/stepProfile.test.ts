import { expect, test } from "vitest";
import { profileText, reportProfile } from "./stepProfile.ts";

const launch = (label: string, timeMs: number, flops: number) => ({
  label,
  kernel: `${label} 64x64`,
  timeMs,
  flops,
  bytes: 2e6,
});

test("launches are ordered by time and measured against the peak", () => {
  const report = reportProfile({
    launches: [launch("small", 1, 5e7), launch("large", 3, 1.5e8), launch("copy", 1, 0)],
    peakGflops: 100,
  });
  expect(report.launches.map(({ label }) => label)).toEqual(["large", "small", "copy"]);
  expect(report.launches[0]).toMatchObject({
    time_ms: 3,
    percent_of_step: 60,
    gflops: 50,
    percent_of_peak: 50,
    gb_per_s: 0.6667,
  });
  expect(report).toMatchObject({ step_ms: 5, percent_of_peak: 40 });
  const lines = profileText(report).split("\n");
  expect(lines[0]).toContain("3 launches take 5 ms one by one, at 40 % of the 100 GFLOP/s");
  expect(lines[4]).toMatch(/^1\.000 +20\.0 +- +- +1\.9 MiB +2\.0 +copy: copy$/);
});
