import { DeviceError } from "../../core/errors.ts";
import { type Codecs, createCodecs } from "./codecs.ts";

/** Addresses of the two WebAssembly files, as a bundler hands them out (`import url from "….wasm?url"`). */
export interface CodecUrls {
  readonly jpeg: string | URL;
  readonly webp: string | URL;
}

/** Codecs whose WebAssembly is fetched, once, on first use. */
export function webCodecs(urls: CodecUrls): Codecs {
  const compile = async (url: string | URL): Promise<WebAssembly.Module> => {
    const response = await fetch(url);
    if (!response.ok) {
      throw new DeviceError(
        `image codec ${String(url)}: the server answered ${response.status} ${response.statusText}; serve the package's .wasm file there.`,
      );
    }
    // Compiled from bytes: servers that send another type than application/wasm are common.
    return WebAssembly.compile(await response.arrayBuffer());
  };
  return createCodecs({ jpeg: () => compile(urls.jpeg), webp: () => compile(urls.webp) });
}
