/** A command that was wrong: exit code 2, and a pointer to the help. */
export class UsageError extends Error {
  override name = "UsageError";
}
