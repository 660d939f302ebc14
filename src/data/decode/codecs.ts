import createJpegModule from "@jsquash/jpeg/codec/dec/mozjpeg_dec.js";
import createWebpModule from "@jsquash/webp/codec/dec/webp_dec.js";
import type { Rgba } from "./rgba.ts";

/** What a WebAssembly codec made of a file, with the complaints of the C library inside it. */
export interface CodecResult {
  readonly image: Rgba | undefined;
  readonly messages: readonly string[];
}

/** The decoders that are WebAssembly: libjpeg (MozJPEG's) and libwebp. */
export interface Codecs {
  jpeg(bytes: Uint8Array): Promise<CodecResult>;
  webp(bytes: Uint8Array): Promise<CodecResult>;
}

/** Where the compiled module of each codec comes from; the only part that differs by host. */
export interface CodecModules {
  jpeg(): Promise<WebAssembly.Module>;
  webp(): Promise<WebAssembly.Module>;
}

/** Codecs whose modules are compiled on first use and kept. */
export function createCodecs(modules: CodecModules): Codecs {
  return {
    jpeg: createCodec<Decoder>(modules.jpeg, createJpegModule, (module, bytes) =>
      module.decode(bytes, false),
    ),
    webp: createCodec<Decoder>(modules.webp, createWebpModule, (module, bytes) =>
      module.decode(bytes),
    ),
  };
}

/** The one function of both modules. MozJPEG's asks whether it should turn the image upright itself. */
interface Decoder {
  decode(bytes: Uint8Array, ...upright: readonly boolean[]): ImageData | null;
}

/** Options of Emscripten's module factories, as far as they are used here. */
interface FactoryOptions {
  noInitialRun: boolean;
  print(line: string): void;
  printErr(line: string): void;
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): WebAssembly.Exports;
}

interface Loaded<M> {
  readonly module: M;
  readonly memory: WebAssembly.Memory | undefined;
}

// A module that once needed this much is dropped, because WebAssembly memory never shrinks.
const keepBytes = 128 * 2 ** 20;

/**
 * One codec. An instance is used until an image makes it trap or leaves it with a large memory; the
 * next image gets a fresh one, so that no file can spoil the decoding of another.
 */
function createCodec<M>(
  compile: () => Promise<WebAssembly.Module>,
  factory: unknown,
  run: (module: M, bytes: Uint8Array) => ImageData | null,
): (bytes: Uint8Array) => Promise<CodecResult> {
  // The packages' types describe an older factory; this is what the shipped one takes.
  const create = factory as (options: FactoryOptions) => Promise<M>;
  let compiled: Promise<WebAssembly.Module> | undefined;
  let loaded: Loaded<M> | undefined;
  let messages: string[] = [];

  async function load(): Promise<Loaded<M>> {
    compiled ??= compile();
    const wasm = await compiled;
    let memory: WebAssembly.Memory | undefined;
    const module = await create({
      noInitialRun: true,
      print: (line) => messages.push(line),
      printErr: (line) => messages.push(line),
      instantiateWasm: (imports, done) => {
        const instance = new WebAssembly.Instance(wasm, imports);
        memory = Object.values(instance.exports).find(
          (value) => value instanceof WebAssembly.Memory,
        );
        done(instance);
        return instance.exports;
      },
    });
    return { module, memory };
  }

  return async (bytes) => {
    const current = loaded ?? (await load());
    loaded = current;
    messages = [];
    let image: Rgba | undefined;
    try {
      image = run(current.module, bytes) ?? undefined;
    } catch (error) {
      // libjpeg leaves through exit(), libwebp and the heap through traps; both end the instance.
      if (error instanceof Error) messages.push(error.message);
      loaded = undefined;
    }
    if ((current.memory?.buffer.byteLength ?? 0) > keepBytes) loaded = undefined;
    return { image, messages };
  };
}
