/**
 * Compares names as people order them: runs of digits by their number, the rest by code unit
 * (`img2` before `img10`, `A` before `a`). Equal numbers with more leading zeros come later. A fixed
 * rule, not the host's locale, so that class indices agree on every machine.
 */
export function compareNatural(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  const shared = Math.min(partsA.length, partsB.length);
  for (let i = 0; i < shared; i++) {
    const order = comparePart(partsA[i]!, partsB[i]!);
    if (order !== 0) return order;
  }
  return partsA.length - partsB.length || compareText(a, b);
}

function comparePart(a: string, b: string): number {
  if (!startsWithDigit(a) || !startsWithDigit(b)) return compareText(a, b);
  const digitsA = a.replace(/^0+(?=\d)/, "");
  const digitsB = b.replace(/^0+(?=\d)/, "");
  return digitsA.length - digitsB.length || compareText(digitsA, digitsB) || a.length - b.length;
}

function startsWithDigit(part: string): boolean {
  return part >= "0" && part < ":";
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
