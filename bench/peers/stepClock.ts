/** What a series of steps took. */
export interface StepTimes {
  /** When the first step was done, in milliseconds since the process or page began. */
  readonly firstStepMs: number;
  readonly medianMs: number;
  /** Steps that the median is of. */
  readonly steps: number;
}

const warmSteps = 2;

/** Times steps for `limitMs`, after warming up. A step that takes longer than all of that is measured once. */
export async function timeSteps(step: () => Promise<void>, limitMs: number): Promise<StepTimes> {
  const timed = async (): Promise<number> => {
    const before = performance.now();
    await step();
    return performance.now() - before;
  };
  let last = await timed();
  const firstStepMs = performance.now();
  for (let warm = 0; warm < warmSteps && last < limitMs; warm++) last = await timed();
  const times: number[] = [];
  const begun = performance.now();
  do times.push(await timed());
  while (performance.now() - begun < limitMs);
  times.sort((a, b) => a - b);
  return { firstStepMs, medianMs: times[times.length >> 1]!, steps: times.length };
}
