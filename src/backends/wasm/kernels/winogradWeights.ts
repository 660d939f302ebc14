/**
 * The weights of a Winograd product, transformed and packed: `[ξ, panels, channels, columns]`, a line more than a power of two
 * from ξ to ξ.
 */
import type { Local } from "../assembler.ts";
import type { Features, Kernel } from "../kernel.ts";
import { emitMinimum } from "./gemm.ts";
import { columnPanels, emitTransposedSquare } from "./packing.ts";
import type { WinogradProduct } from "./winograd.ts";
import { emitTransform, tileInputs } from "./winogradTransforms.ts";

/** Bytes from ξ to ξ of the transformed weights. */
export function winogradWeightStep({ channels, filters }: WinogradProduct): number {
  return Math.ceil(filters / 4) * 16 * channels + 64;
}

export function winogradWeightBytes(product: WinogradProduct): number {
  return tileInputs(product.form) ** 2 * winogradWeightStep(product);
}

/** Where the weights of a Winograd product lie, in floats; filters or channels lie side by side. */
export interface WinogradWeights {
  /** From filter to filter, channel to channel and tap to tap of the product. */
  readonly filterStep: number;
  readonly channelStep: number;
  readonly tapStep: number;
  /** Taps in reverse order: the data gradient. */
  readonly reversed: boolean;
}

/** Channels of a work item of the transform of weights. */
const channelsPerItem = 32;

/** Transforms weights: buffers weight, packed [ξ, panels, channels, columns]. */
export function winogradWeightKernel(
  product: WinogradProduct,
  source: WinogradWeights,
  features: Features,
): Kernel {
  const { channels, filters, form } = product;
  const size = form.taps;
  const tapCount = size ** 2;
  const panels = columnPanels(filters, features);
  const parts = Math.ceil(channels / channelsPerItem);
  const inner = tileInputs(form);
  const step = winogradWeightStep(product);
  // Where channels lie side by side, four of them are turned round together.
  const together = source.filterStep === 1 ? 1 : 4;
  const turned = size * inner * 16;
  return {
    key: `winogradWeights ${form.outputs} ${size} ${channels}x${filters} ${JSON.stringify(source)} ${features.tile.columns}`,
    buffers: 2,
    items: panels.count * parts,
    scratchBytes: turned + tapCount * 4 * 16,
    emit(f, io, module) {
      const [weight, packed] = io.address as [Local, Local];
      const names = ["item", "channel", "last", "from", "to", "panel", "base", "vector"] as const;
      const [item, channel, last, from, to, panel, base, vector, at, line] = [
        ...names,
        "at",
        "line",
      ].map(() => f.local("i32")) as [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];

      /** Transforms the taps of four filters and one channel. */
      const emitFilters = (load: (tap: number) => void): void => {
        const taps = Array.from({ length: size }, () => [f.local("v128")]);
        for (let column = 0; column < size; column++) {
          for (const [row, [tap]] of taps.entries()) {
            load(row * size + column);
            f.set(tap!);
          }
          emitTransform(f, module.features, "filter", form, taps, (results) => {
            for (const [row, [result]] of results.entries()) {
              f.get(io.scratch)
                .get(result!)
                .memory("v128.store", (row * size + column) * 16);
            }
          });
        }
        for (let row = 0; row < inner; row++) {
          for (const [column, [tap]] of taps.entries()) {
            f.get(io.scratch)
              .memory("v128.load", (row * size + column) * 16)
              .set(tap!);
          }
          emitTransform(f, module.features, "filter", form, taps, (results) => {
            for (const [column, [result]] of results.entries()) {
              f.get(to)
                .get(result!)
                .memory("v128.store", (row * inner + column) * step);
            }
          });
        }
        f.release(...taps.flat());
      };
      const tapOffset = (tap: number): number =>
        (source.reversed ? tapCount - 1 - tap : tap) * source.tapStep * 4;
      /** The next four filters, of which there are `count`, from `channel` on. */
      const emitVector = (vectors: number, count: number): void => {
        f.get(base).get(vector).i32(4).op("i32.shl").op("i32.add").set(to);
        if (together === 1) emitFilters((tap) => f.get(from).memory("v128.load", tapOffset(tap)));
        else {
          for (let tap = 0; tap < tapCount; tap++) {
            emitTransposedSquare(
              f,
              (filter) => {
                const offset = tapOffset(tap) + filter * source.filterStep * 4;
                if (filter < count) f.get(from).memory("v128.load", offset);
                else f.f32x4(0);
              },
              (line, push) => {
                f.get(io.scratch);
                push();
                f.memory("v128.store", turned + (line * tapCount + tap) * 16);
              },
            );
          }
          f.get(io.scratch).i32(turned).op("i32.add").set(at);
          f.for(line, 0, together, 1, () => {
            emitFilters((tap) => f.get(at).memory("v128.load", tap * 16));
            f.increment(at, tapCount * 16);
            f.increment(to, vectors * 16);
          });
        }
        f.increment(from, source.filterStep * 16);
      };
      const emitPanel = (vectors: number, panelColumns: number): void => {
        f.get(packed)
          .get(panel)
          .i32(panels.vectors * 16 * channels)
          .op("i32.mul")
          .op("i32.add");
        f.get(channel)
          .i32(vectors * 16)
          .op("i32.mul")
          .op("i32.add")
          .set(base);
        f.for(channel, channel, last, together, () => {
          f.get(weight)
            .get(panel)
            .i32(panels.vectors * 16 * source.filterStep)
            .op("i32.mul");
          f.op("i32.add")
            .get(channel)
            .i32(source.channelStep * 4)
            .op("i32.mul")
            .op("i32.add");
          f.set(from);
          f.for(vector, 0, Math.floor(panelColumns / 4), 1, () => emitVector(vectors, 4));
          if (panelColumns % 4 > 0) emitVector(vectors, panelColumns % 4);
          f.increment(base, together * vectors * 16);
        });
      };
      f.for(item, io.begin, io.end, 1, () => {
        f.get(item).i32(parts).op("i32.div_u").set(panel);
        f.get(item).i32(parts).op("i32.rem_u").i32(channelsPerItem).op("i32.mul").tee(channel);
        f.i32(channelsPerItem).op("i32.add").set(last);
        emitMinimum(f, last, () => f.i32(channels));
        if (panels.tailVectors === 0) {
          emitPanel(panels.vectors, panels.vectors * 4);
          return;
        }
        f.get(panel).i32(panels.full).op("i32.lt_u");
        f.if(
          () => emitPanel(panels.vectors, panels.vectors * 4),
          () => emitPanel(panels.tailVectors, panels.tail),
        );
      });
      f.release(item, channel, last, from, to, panel, base, vector, at, line);
    },
  };
}
