/**
 * A ConvNeXt of two branches whose feature maps are fused.
 *
 * Lectures draw such a net as "ConvNeXt: multi-branch, feature fusion" without a source, and none is known to us: neither
 * ConvNeXt paper has branches. This is our reading of the drawing: each stage looks at its map through blocks with 3x3 and
 * through blocks with 7x7 depthwise kernels, side by side, and a `fusion` layer makes one map of the two. Nothing has been
 * published about its accuracy.
 *
 * Variants are the ways to fuse: `gated`, a mean whose weights are computed for each pixel and channel; `concat`, joined and
 * mixed by a 1x1 convolution; `sum`. The widths are those of ConvNeXt atto.
 */
import { convNextBlock } from "../layers/convNextBlock.ts";
import { functional } from "../layers/functional.ts";
import { fusion } from "../layers/fusion.ts";
import type { Layer } from "../layers/layer.ts";
import { linear } from "../layers/linear.ts";
import { adaptiveAvgPool2d } from "../layers/pooling.ts";
import { flatten, sequential } from "../layers/structure.ts";
import { channelNorm, drawnAsConvNext, dropPaths, patches } from "./convnext.ts";
import type { NetFamily, NetTarget, NetVariant } from "./net.ts";

/** A row of the table. */
export interface ConvNextFusionVariant extends NetVariant {
  readonly mode: "gated" | "concat" | "sum";
  /** Blocks of each stage, in either branch. Default 2, 2, 4, 2. */
  readonly depths?: readonly number[];
  /** Channels of each stage. Default 40, 80, 160, 320. */
  readonly widths?: readonly number[];
}

export const convnextFusion: NetFamily<ConvNextFusionVariant> = {
  paper: "none known: after a lecture's drawing, with the blocks of Liu et al. 2022",
  year: 2022,
  input: [3, 224, 224],
  classes: 1000,
  minimum: 32,
  nets: {
    convnext_fusion: {
      gated: { mode: "gated" },
      concat: { mode: "concat" },
      sum: { mode: "sum" },
    },
  },
  tests: {
    test: {
      mode: "gated",
      depths: [1, 1],
      widths: [4, 6],
      input: [3, 16, 16],
      classes: 3,
      minimum: 8,
    },
    testConcat: {
      mode: "concat",
      depths: [1, 1],
      widths: [4, 6],
      input: [3, 16, 16],
      classes: 3,
      minimum: 8,
    },
  },
  build,
};

function build(variant: ConvNextFusionVariant, { classes }: NetTarget): Layer {
  const { mode, depths = [2, 2, 4, 2], widths = [40, 80, 160, 320] } = variant;
  const stages = dropPaths(depths, 0.1).map((probabilities, stage) =>
    sequential({
      ...(stage > 0 ? { downsample: sequential([channelNorm(), patches(widths[stage]!, 2)]) } : {}),
      branches: fusedBranches(mode, widths[stage]!, probabilities),
    }),
  );
  return sequential({
    stem: sequential([patches(widths[0]!, 4), channelNorm()]),
    stages: sequential(stages),
    head: sequential({
      global_pool: adaptiveAvgPool2d({ size: 1 }),
      norm: channelNorm(),
      flatten: flatten(),
      fc: linear({ features: classes, ...drawnAsConvNext() }),
    }),
  });
}

/** Blocks with small and blocks with large kernels beside each other, and their fusion. */
function fusedBranches(
  mode: ConvNextFusionVariant["mode"],
  channels: number,
  probabilities: readonly number[],
): Layer {
  const branch = (kernel: number) =>
    sequential(probabilities.map((dropPath) => convNextBlock({ kernel, dropPath })));
  return functional({
    steps: {
      fine: { layer: branch(3) },
      wide: { layer: branch(7), from: "input" },
      fusion: { layer: fusion({ mode, channels }), from: ["fine", "wide"] },
    },
  });
}
