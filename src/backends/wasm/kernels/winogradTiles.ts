/**
 * Two-dimensional Winograd transforms of many tiles: a pair of vectors of channels at a time, columns first,
 * through a small square in scratch memory, because a whole tile does not fit into registers.
 */
import type { FunctionBuilder, Local } from "../assembler.ts";
import type { Features, KernelModule } from "../kernel.ts";
import type { StagedRegion } from "./gemmStaging.ts";
import {
  emitTransform,
  type Lane,
  type TileForm,
  type TransformKind,
  transformSizes,
} from "./winogradTransforms.ts";

/** Byte offsets `counter` … `end` by pairs of vectors, which V8 can join, then a single one unless `pairsOnly`. */
export function emitVectorLoop(
  f: FunctionBuilder,
  counter: Local,
  end: number | Local,
  pairsOnly: boolean,
  body: (vectors: number) => void,
): void {
  f.block((done) => {
    f.loop((again) => {
      f.push(end).get(counter).op("i32.sub").i32(32).op("i32.lt_s").branchIf(done);
      body(2);
      f.increment(counter, 32).branch(again);
    });
  });
  if (pairsOnly) return;
  f.get(counter).push(end).op("i32.lt_s");
  f.if(() => body(1));
}

/**
 * A transform of both axes: columns of `size` × `size` vectors given by `load` go to `between`, its rows to
 * `store`.
 */
export function emitSquare(
  f: FunctionBuilder,
  features: Features,
  kind: TransformKind,
  form: TileForm,
  vectors: number,
  between: { readonly address: Local; readonly offset: number },
  load: (row: number, column: number, vector: number) => void,
  store: (row: number, results: readonly Lane[]) => void,
): void {
  const [size, results] = transformSizes(kind, form);
  const values = Array.from({ length: size }, () => f.locals("v128", vectors));
  const place = (row: number, column: number, vector: number): number =>
    between.offset + ((row * size + column) * vectors + vector) * 16;
  for (let column = 0; column < size; column++) {
    for (const [row, lane] of values.entries()) {
      for (const [vector, value] of lane.entries()) {
        load(row, column, vector);
        f.set(value);
      }
    }
    emitTransform(f, features, kind, form, values, (transformed) => {
      for (const [row, lane] of transformed.entries()) {
        for (const [vector, value] of lane.entries()) {
          f.get(between.address)
            .get(value)
            .memory("v128.store", place(row, column, vector));
        }
      }
    });
  }
  for (let row = 0; row < results; row++) {
    for (const [column, lane] of values.entries()) {
      for (const [vector, value] of lane.entries()) {
        f.get(between.address)
          .memory("v128.load", place(row, column, vector))
          .set(value);
      }
    }
    emitTransform(f, features, kind, form, values, (transformed) => store(row, transformed));
  }
  f.release(...values.flat());
}

/** A row block of tiles that is transformed from its staged pixels to `[ξ, tiles, channels]`. */
export interface TileBlock {
  readonly kind: TransformKind;
  readonly form: TileForm;
  readonly region: StagedRegion;
  readonly tileColumns: number;
  /** Offsets in scratch memory of the small square and of the result. */
  readonly between: number;
  readonly to: number;
  /** Bytes from ξ to ξ. */
  readonly step: number;
}

/**
 * Transforms the tiles of `images` × `rows` rows of tiles; they begin as many pixels apart as a tile has outputs. Where the
 * channels do not fill their last vector, it reads past the pixel and writes past the tile, up to 12 bytes: the next
 * tile overwrites them, and the last one's lie before the next ξ.
 */
export function emitTiles(
  f: FunctionBuilder,
  module: KernelModule,
  block: TileBlock,
  l: Readonly<Record<"images" | "rows" | "staged" | "scratch", Local>>,
): void {
  const { kind, form, region } = block;
  const { outputs } = form;
  const { channels } = region;
  const pixelBytes = channels * 4;
  const vectorCount = Math.ceil(channels / 4);
  const rowBytes = region.width * pixelBytes;
  const [, results] = transformSizes(kind, form);
  const names = ["image", "row", "column", "from", "to", "channel", "x", "v"] as const;
  const [image, row, column, from, to, channel, x, v] = names.map(() => f.local("i32")) as [
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
    Local,
  ];
  f.get(l.scratch).i32(block.to).op("i32.add").set(to);
  f.for(image, 0, l.images, 1, () => {
    f.for(row, 0, l.rows, 1, () => {
      f.get(image).i32(region.height).op("i32.mul").get(row).i32(outputs).op("i32.mul");
      f.op("i32.add").i32(rowBytes).op("i32.mul").get(l.staged).op("i32.add").set(from);
      f.for(column, 0, block.tileColumns, 1, () => {
        f.i32(0).set(channel);
        emitVectorLoop(f, channel, vectorCount * 16, vectorCount % 2 === 0, (vectors) => {
          f.get(from).get(channel).op("i32.add").set(x);
          f.get(to).get(channel).op("i32.add").set(v);
          emitSquare(
            f,
            module.features,
            kind,
            form,
            vectors,
            { address: l.scratch, offset: block.between },
            (r, s, vector) => {
              f.get(x).memory("v128.load", r * rowBytes + s * pixelBytes + vector * 16);
            },
            (r, transformed) => {
              for (const [s, lane] of transformed.entries()) {
                for (const [vector, value] of lane.entries()) {
                  const offset = (r * results + s) * block.step + vector * 16;
                  f.get(v).get(value).memory("v128.store", offset);
                }
              }
            },
          );
        });
        f.increment(from, outputs * pixelBytes);
        f.increment(to, pixelBytes);
      });
    });
  });
  f.release(image, row, column, from, to, channel, x, v);
}
