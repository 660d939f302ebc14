import { build } from "vite";

/** One minified module with everything that `entry` imports, as a user's bundler would make it. */
export async function bundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    resolve: { conditions: ["source", "browser", "module", "import", "default"] },
    build: {
      write: false,
      minify: true,
      target: "es2024",
      rolldownOptions: { input: entry },
    },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !("output" in output)) throw new Error(`no bundle of ${entry}`);
  return output.output[0].code;
}
