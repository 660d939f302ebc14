import { z } from "zod";
import { FormatError } from "../core/errors.ts";

/**
 * Checks parsed JSON against a schema, or throws a {@link FormatError} that lists what is wrong.
 *
 * @param what what the file should have been ("a model of tensorflow.js")
 */
export function checkedJson<T>(
  schema: z.ZodType<T>,
  json: unknown,
  where: string,
  what: string,
): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const reasons = z.prettifyError(result.error).slice(0, 500);
  throw new FormatError(`${where}: not ${what}: ${reasons}`);
}
