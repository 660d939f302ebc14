import { DeviceError } from "../core/errors.ts";
import type { Feeds, Program, Session, StepProfile } from "../plan/backend.ts";
import { formatBytes } from "./quantities.ts";
import { textTable } from "./table.ts";

/** A session whose programs can be profiled with what they were last run on. */
export interface ProfilingSession {
  readonly session: Session;
  /** Times the launches of the program that ran last. */
  profile(rounds: number): Promise<StepProfile>;
}

/** Compiles for profiles whatever is compiled through it. */
export function profilingSession(session: Session): ProfilingSession {
  let last: { readonly program: Program; readonly feeds: Feeds } | undefined;
  return {
    session: {
      get states() {
        return session.states;
      },
      get memoryLimitBytes() {
        return session.memoryLimitBytes;
      },
      measure: (graph, options) => session.measure(graph, options),
      read: (name) => session.read(name),
      write: (name, data) => session.write(name, data),
      reset: (name) => session.reset(name),
      close: () => session.close(),
      async compile(graph, options) {
        const program = await session.compile(graph, { ...options, profile: true });
        return {
          ...program,
          run(feeds) {
            last = { program, feeds };
            return program.run(feeds);
          },
        };
      },
    },
    async profile(rounds) {
      const profile = last?.program.profile;
      if (last === undefined || profile === undefined) {
        throw new DeviceError("bench: this backend has no profile; only wasm has one.");
      }
      return profile(last.feeds, rounds);
    },
  };
}

/** A launch as `striate bench --profile` prints it. */
export interface LaunchReport {
  /** Operation and name of the node. */
  readonly label: string;
  /** First word of the kernel's name. */
  readonly kernel: string;
  readonly time_ms: number;
  /** Of the sum of all launches. */
  readonly percent_of_step: number;
  /** Floating point operations of the definition, not of the method, so that Winograd exceeds the peak; 0 if not counted. */
  readonly gflops: number;
  readonly percent_of_peak: number;
  readonly bytes: number;
  readonly gb_per_s: number;
}

/** A step's launches, slowest first. */
export interface ProfileReport {
  readonly peak_gflops: number;
  readonly step_ms: number;
  /** Operations of all launches over their time and the peak. */
  readonly percent_of_peak: number;
  readonly launches: readonly LaunchReport[];
}

export function reportProfile({ launches, peakGflops }: StepProfile): ProfileReport {
  const total = launches.reduce((sum, { timeMs }) => sum + timeMs, 0);
  const flops = launches.reduce((sum, launch) => sum + launch.flops, 0);
  const rows = launches.map(({ label, kernel, timeMs, flops, bytes }): LaunchReport => {
    const gflops = flops / timeMs / 1e6;
    return {
      label,
      kernel: kernel.split(" ")[0]!,
      time_ms: round(timeMs),
      percent_of_step: round((100 * timeMs) / total),
      gflops: round(gflops),
      percent_of_peak: round((100 * gflops) / peakGflops),
      bytes,
      gb_per_s: round(bytes / timeMs / 1e6),
    };
  });
  return {
    peak_gflops: round(peakGflops),
    step_ms: round(total),
    percent_of_peak: round((100 * flops) / total / 1e6 / peakGflops),
    launches: rows.sort((a, b) => b.time_ms - a.time_ms),
  };
}

const shownLaunches = 30;

/** The profile as a table of its slowest launches. */
export function profileText(report: ProfileReport): string {
  const { launches, step_ms, peak_gflops } = report;
  const right = (title: string) => ({ title, align: "right" as const });
  const table = textTable(
    [
      right("ms"),
      right("% of step"),
      right("GFLOP/s"),
      right("% of peak"),
      right("moved"),
      right("GB/s"),
      { title: "launch" },
    ],
    launches
      .slice(0, shownLaunches)
      .map((l) => [
        l.time_ms.toFixed(3),
        l.percent_of_step.toFixed(1),
        l.gflops === 0 ? "-" : l.gflops.toFixed(1),
        l.gflops === 0 ? "-" : l.percent_of_peak.toFixed(0),
        formatBytes(l.bytes),
        l.gb_per_s.toFixed(1),
        `${l.kernel}: ${l.label}`,
      ]),
  );
  const rest = launches.slice(shownLaunches).reduce((sum, { time_ms }) => sum + time_ms, 0);
  return `${launches.length} launches take ${step_ms} ms one by one, at ${report.percent_of_peak.toFixed(0)} % of the ${peak_gflops} GFLOP/s that multiply-adds in registers reach here
${table}${rest > 0 ? `\n${rest.toFixed(3).padStart(5)}  all others` : ""}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
