/**
 * The value of a table at a key that came from a file, or `undefined`: `table[key]` alone would also
 * find what every object inherits (`constructor`, `__proto__`).
 */
export function ownValue<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
