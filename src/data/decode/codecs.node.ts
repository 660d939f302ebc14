import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { type Codecs, createCodecs } from "./codecs.ts";

/** Codecs whose WebAssembly is read from the installed packages. */
export function nodeCodecs(): Codecs {
  const { resolve } = createRequire(import.meta.url);
  const compile = async (file: string): Promise<WebAssembly.Module> =>
    WebAssembly.compile(await readFile(resolve(file)));
  return createCodecs({
    jpeg: () => compile("@jsquash/jpeg/codec/dec/mozjpeg_dec.wasm"),
    webp: () => compile("@jsquash/webp/codec/dec/webp_dec.wasm"),
  });
}
