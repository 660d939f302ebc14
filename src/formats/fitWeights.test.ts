import { describe, expect, it } from "vitest";
import type { Shape } from "../core/shape.ts";
import { GraphBuilder } from "../graph/builder.ts";
import { buildNet } from "../layers/layer.ts";
import { createNet, publishedWeights } from "../models/index.ts";
import { fitWeights, isComplete } from "./fitWeights.ts";

/** Tensors of a net without weights, under the names that `rename` gives to its layers. */
function tensorsOf(name: string, variant: string, rename: (layer: string) => string) {
  const { layer, input } = createNet(name, { variant });
  const builder = new GraphBuilder();
  const image = builder.input("x", [1, ...input]);
  const { parameters } = buildNet(layer, { builder, input: image, training: false });
  const tensors = new Map<string, { readonly shape: Shape }>();
  for (const { name: tensor, shape } of parameters) {
    if (tensor.endsWith("num_batches_tracked")) continue;
    const point = tensor.lastIndexOf(".");
    tensors.set(rename(tensor.slice(0, point)) + tensor.slice(point), { shape });
  }
  return tensors;
}

const fitOf = (name: string, variant: string, tensors: ReturnType<typeof tensorsOf>) =>
  fitWeights(createNet(name, { variant }), tensors, {
    published: publishedWeights(name, variant),
  });

describe("weights of Keras's own nets", () => {
  /** Blocks of stages as Keras counts them, from ours, which are counted from 0. */
  const resnet = (layer: string) => {
    const [, stage, block, inner] = /^layer(\d)\.(\d+)\.(.+)$/.exec(layer) ?? [];
    if (stage === undefined) return layer;
    const [, kind, place] = /^(conv|bn|downsample\.)(\d)$/.exec(inner!)!;
    const isNorm = kind === "bn" || (kind === "downsample." && place === "1");
    const at = kind === "downsample." ? 0 : place;
    return `conv${Number(stage) + 1}_block${Number(block) + 1}_${at}_${isNorm ? "bn" : "conv"}`;
  };
  const ends: Readonly<Record<string, string>> = {
    conv1: "conv1_conv",
    bn1: "conv1_bn",
    fc: "predictions",
  };

  it("fit a ResNet-50, whose norms take up the biases of its convolutions", () => {
    const tensors = tensorsOf("resnet50", "v1", (layer) => ends[layer] ?? resnet(layer));
    for (const [name, { shape }] of [...tensors]) {
      if (name.endsWith("_conv.weight")) {
        tensors.set(name.replace(/weight$/, "bias"), { shape: [shape[0]!] });
      }
    }
    const fit = fitOf("resnet50", "v1", tensors);
    expect(fit).toMatchObject({ missing: [], unexpected: [], misshapen: [], by: "names" });
    expect(fit.published).toMatchObject({ origin: "keras" });
    expect(fit.absorbed.size).toBe(53);
    expect(fit.absorbed.get("layer1.0.bn2.running_mean")).toBe("conv2_block1_2_conv.bias");
    expect(fit.absorbed.get("layer4.0.downsample.1.running_mean")).toBe("conv5_block1_0_conv.bias");
  });

  it("fit a ResNet-50 under the names that it had before 2019", () => {
    const old = (layer: string) => {
      const [, stage, block, place, kind] =
        /^conv(\d)_block(\d+)_(\d)_(conv|bn)$/.exec(resnet(layer)) ?? [];
      if (stage === undefined) {
        return layer === "bn1" ? "bn_conv1" : layer === "fc" ? "fc1000" : layer;
      }
      const branch = place === "0" ? "1" : `2${"abc"[Number(place) - 1]}`;
      return `${kind === "bn" ? "bn" : "res"}${stage}${"abcdef"[Number(block) - 1]}_branch${branch}`;
    };
    const fit = fitOf("resnet50", "v1", tensorsOf("resnet50", "v1", old));
    expect(isComplete(fit)).toBe(true);
    expect(fit.unexpected).toEqual([]);
  });

  it("fit a VGG-16", () => {
    // Positions of the convolutions among `features`, block by block.
    const blocks = [
      [0, 2],
      [5, 7],
      [10, 12, 14],
      [17, 19, 21],
      [24, 26, 28],
    ];
    const names = new Map([
      ["classifier.0", "fc1"],
      ["classifier.3", "fc2"],
      ["classifier.6", "predictions"],
    ]);
    blocks.forEach((places, block) => {
      places.forEach((place, i) => {
        names.set(`features.${place}`, `block${block + 1}_conv${i + 1}`);
      });
    });
    const fit = fitOf(
      "vgg16",
      "torchvision",
      tensorsOf("vgg16", "torchvision", (l) => names.get(l)!),
    );
    expect(isComplete(fit)).toBe(true);
    expect(fit.published).toMatchObject({ origin: "keras" });
  });

  it("fit a MobileNet whose depthwise kernels have lost their place: [1, C, 3, 3]", () => {
    const ends: Readonly<Record<string, string>> = {
      conv_stem: "conv1",
      bn1: "conv1_bn",
      classifier: "conv_preds",
    };
    let block = 0;
    const tensors = tensorsOf("mobilenet_v1", "0.25", (layer) => {
      const inner = /^blocks\.\d+\.\d+\.(.+)$/.exec(layer)?.[1];
      if (inner === undefined) return ends[layer]!;
      if (inner === "conv_dw") block++;
      const kind = inner === "conv_dw" || inner === "bn1" ? "dw" : "pw";
      return `conv_${kind}_${block}${inner.startsWith("bn") ? "_bn" : ""}`;
    });
    let depthwise = 0;
    for (const [name, { shape }] of [...tensors]) {
      if (!/^conv_dw_\d+\.weight$/.test(name)) continue;
      depthwise++;
      tensors.set(name, { shape: [1, shape[0]!, shape[2]!, shape[3]!] });
    }
    expect(depthwise).toBe(13);
    const fit = fitOf("mobilenet_v1", "0.25", tensors);
    expect(isComplete(fit)).toBe(true);
    expect(fit.matched.get("blocks.0.0.conv_dw.weight")).toBe("conv_dw_1.weight");
    const other = new Map(tensors).set("conv_dw_1.weight", { shape: [1, 7, 3, 3] });
    expect(fitOf("mobilenet_v1", "0.25", other).misshapen).toMatchObject([{ given: [1, 7, 3, 3] }]);
  });

  it("are not taken for Keras's where the names are torchvision's", () => {
    const same = (layer: string) => layer;
    const vgg = fitOf("vgg16", "torchvision", tensorsOf("vgg16", "torchvision", same));
    expect(vgg.published).toMatchObject({ origin: "torchvision" });
    const resnet50 = fitOf("resnet50", "v1", tensorsOf("resnet50", "v1", same));
    expect(isComplete(resnet50)).toBe(true);
    expect(resnet50.published).toBeUndefined();
  });
});
