import { describe, expect, it } from "vitest";
import { OptionError, ShapeError } from "../../src/core/errors.ts";
import { createNet, netNames, variantNames } from "../../src/models/index.ts";
import { buildOne, countParameters, everyNet, everyTestNet } from "./build.ts";

/** Trained numbers as papers, libraries and their files have them. */
const counts: readonly (readonly [name: string, variant: string, params: number])[] = [
  ["mlp", "deck", 12_790_502],
  ["lenet5", "modern", 61_706],
  ["lenet5", "paper", 60_000],
  ["lenet5", "caffe", 431_080],
  ["alexnet", "torchvision", 61_100_840],
  ["alexnet", "paper", 60_965_224],
  ["alexnet", "caffenet", 60_965_224],
  ["alexnet", "deck", 62_378_344],
  ["zfnet", "paper", 62_357_608],
  ["vgg11", "torchvision", 132_863_336],
  ["vgg13", "torchvision", 133_047_848],
  ["vgg16", "torchvision", 138_357_544],
  ["vgg19", "torchvision", 143_667_240],
  ["vgg11_bn", "torchvision", 132_868_840],
  ["vgg13_bn", "torchvision", 133_053_736],
  ["vgg16_bn", "torchvision", 138_365_992],
  ["vgg19_bn", "torchvision", 143_678_248],
  ["nin", "cifar", 966_986],
  ["nin", "imagenet", 7_595_176],
  ["googlenet", "torchvision", 6_624_904],
  ["googlenet", "paper", 6_998_552],
  ["squeezenet", "1.0", 1_248_424],
  ["squeezenet", "1.1", 1_235_496],
  ["squeezenet", "1.0-bypass", 1_248_424],
  ["resnet18", "torchvision", 11_689_512],
  ["resnet18", "v1", 11_689_512],
  ["resnet34", "torchvision", 21_797_672],
  ["resnet50", "torchvision", 25_557_032],
  ["resnet50", "v1", 25_557_032],
  ["resnet50", "preact", 25_549_352],
  ["resnet101", "torchvision", 44_549_160],
  ["resnet101", "preact", 44_541_480],
  ["resnet152", "torchvision", 60_192_808],
  ["resnet20", "cifar", 269_722],
  ["resnet20", "b", 272_474],
  ["resnet32", "cifar", 464_154],
  ["resnet44", "cifar", 658_586],
  ["resnet56", "cifar", 853_018],
  ["resnet110", "cifar", 1_727_962],
  ["plain20", "cifar", 269_722],
  ["plain56", "cifar", 853_018],
  ["mobilenet_v1", "1.0", 4_231_976],
  ["mobilenet_v1", "0.75", 2_585_560],
  ["mobilenet_v1", "0.5", 1_331_592],
  ["mobilenet_v1", "0.25", 470_072],
  ["mobilenet_v2", "torchvision", 3_504_872],
  ["mobilenet_v3_small", "torchvision", 2_542_856],
  ["mobilenet_v3_large", "torchvision", 5_483_032],
  ["convnext", "tiny", 28_589_128],
  ["convnext", "small", 50_223_688],
  ["convnext", "base", 88_591_464],
  ["convnext", "large", 197_767_336],
  ["convnext", "atto", 3_695_520],
  ["convnext", "femto", 5_217_784],
  ["convnext", "pico", 9_045_672],
  ["convnext", "nano", 15_593_560],
  ["convnextv2", "atto", 3_708_400],
  ["convnextv2", "femto", 5_233_240],
  ["convnextv2", "pico", 9_066_280],
  ["convnextv2", "nano", 15_623_800],
  ["convnextv2", "tiny", 28_635_496],
  ["convnextv2", "base", 88_717_800],
  ["convnextv2", "large", 197_956_840],
];

describe("the catalogue", () => {
  it.each(counts)("%s, variant %s, has %i parameters", (name, variant, params) => {
    expect(countParameters(createNet(name, { variant }))).toBe(params);
  });

  it("counts GoogLeNet's auxiliary heads apart", () => {
    const withHeads = (variant: string) =>
      countParameters(createNet("googlenet", { variant }), true);
    expect(withHeads("paper")).toBe(13_378_280);
    expect(withHeads("torchvision")).toBe(13_004_888);
  });

  it("has the names and variants that users rely on", () => {
    const variants = Object.fromEntries(netNames().map((name) => [name, variantNames(name)]));
    expect(variants).toMatchObject({
      lenet5: ["modern", "paper", "caffe"],
      alexnet: ["torchvision", "paper", "deck", "caffenet"],
      vgg16_bn: ["torchvision"],
      nin: ["cifar", "imagenet"],
      googlenet: ["torchvision", "paper"],
      squeezenet: ["1.1", "1.0", "1.0-bypass"],
      resnet152: ["torchvision", "v1", "preact"],
      resnet110: ["cifar", "b", "c"],
      plain56: ["cifar"],
      mobilenet_v1: ["1.0", "0.75", "0.5", "0.25"],
      convnext: ["tiny", "atto", "femto", "pico", "nano", "small", "base", "large"],
      convnextv2: ["tiny", "atto", "femto", "pico", "nano", "small", "base", "large"],
    });
    const further = ["mlp", "zfnet", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large"];
    expect(netNames()).toEqual(expect.arrayContaining([...further, "convnext_fusion"]));
    expect(netNames().filter((name) => /test/.test(name))).toEqual([]);
  });

  it.each(everyNet().map((net) => [net.name, net.variant, net] as const))(
    "%s, variant %s, makes a score for each class of its source's images",
    (_, __, net) => {
      expect(buildOne(net).output.shape).toEqual([1, net.classes]);
    },
  );

  it.each([...everyNet(), ...everyTestNet()].map((net) => [net.name, net.variant, net] as const))(
    "%s, variant %s, can be built at its smallest input and not below",
    (name, variant, { input: [channels], minimumInput }) => {
      const at = (size: number) => createNet(name, { variant, input: [channels, size, size] });
      const smallest = at(minimumInput);
      expect(() => buildOne(smallest)).not.toThrow();
      expect(() => at(minimumInput - 1)).toThrow(ShapeError);
      if (minimumInput === 1) return;
      const below = [channels, minimumInput - 1, minimumInput - 1] as const;
      expect(() => buildOne(smallest, below)).toThrow(ShapeError);
    },
  );
});

describe("createNet", () => {
  it("takes other classes and inputs", () => {
    const net = createNet("resnet18", { classes: 7, input: [1, 40, 56] });
    expect(buildOne(net).output.shape).toEqual([1, 7]);
  });

  it("pads digits of 28x28 for LeNet-5", () => {
    for (const variant of ["modern", "paper"]) {
      const at = (size: number) => createNet("lenet5", { variant, input: [1, size, size] });
      expect(countParameters(at(28))).toBe(countParameters(at(32)));
    }
  });

  it("names what it does not know, and what there is", () => {
    expect(() => createNet("resnet19")).toThrow(
      /unknown net "resnet19"\. Did you mean "resnet18"\?/,
    );
    expect(() => createNet("alexnet", { variant: "decks" })).toThrow(
      /unknown variant of net "alexnet" "decks"\. Did you mean "deck"\?/,
    );
  });

  it("refuses classes and inputs that make no sense", () => {
    expect(() => createNet("lenet5", { classes: 0 })).toThrow(OptionError);
    expect(() => createNet("lenet5", { classes: 2.5 })).toThrow(/2\.5 classes/);
    expect(() => createNet("lenet5", { input: [0, 32, 32] })).toThrow(ShapeError);
    expect(() => createNet("vgg16", { input: [3, 16, 20] })).toThrow(
      /input 16x20x3 is too small; it takes 32x32 and more/,
    );
  });

  it("explains sizes that do not come out whole", () => {
    const net = createNet("alexnet", { variant: "deck", input: [3, 224, 224] });
    expect(() => buildOne(net)).toThrow(/\(224 − 11\)\/4 \+ 1 = 54\.25 does not fit/);
  });
});
