/** Bytes in one step: whole groups of three, and few enough for a call's arguments. */
const step = 3 * 2 ** 12;

/** Bytes as base64. */
export function toBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let start = 0; start < bytes.length; start += step) {
    parts.push(btoa(String.fromCharCode(...bytes.subarray(start, start + step))));
  }
  return parts.join("");
}

/** The bytes of {@link toBase64}. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  const characters = (step / 3) * 4;
  let position = 0;
  for (let start = 0; start < text.length; start += characters) {
    const part = atob(text.slice(start, start + characters));
    for (let i = 0; i < part.length; i++) bytes[position++] = part.charCodeAt(i);
  }
  return bytes;
}
