import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Where decoded images and downloads are kept between runs: what the system sets aside for that. */
export function cacheFolder(): string {
  const { env, platform } = process;
  if (env.STRIATE_CACHE !== undefined && env.STRIATE_CACHE !== "") return env.STRIATE_CACHE;
  if (platform === "win32" && env.LOCALAPPDATA !== undefined) {
    return join(env.LOCALAPPDATA, "striate", "cache");
  }
  if (platform === "darwin") return join(homedir(), "Library", "Caches", "striate");
  return join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "striate");
}
