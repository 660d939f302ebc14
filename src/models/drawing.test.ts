import { describe, expect, test } from "vitest";
import { conv2d, functional, globalAvgPool2d, layers, sequential } from "../layers/index.ts";
import { catalogueDepths, createNet, depthChart, drawNet, netNames, summarize } from "./index.ts";

/** Throws unless tags close in order and nothing is said twice: enough of XML for what we write. */
function checkXml(svg: string): void {
  const open: string[] = [];
  for (const [, closing, name, attributes, empty] of svg.matchAll(
    /<(\/?)([a-z]+)((?:\s+[A-Za-z-]+="[^"<]*")*)\s*(\/?)>/g,
  )) {
    if (closing === "/") expect(open.pop()).toBe(name);
    else if (empty !== "/") open.push(name!);
    const names = [...attributes!.matchAll(/([A-Za-z-]+)=/g)].map((match) => match[1]);
    expect(new Set(names).size).toBe(names.length);
  }
  expect(open).toEqual([]);
  expect(svg.replace(/<[^>]*>/g, "")).not.toMatch(/[<>]|NaN|undefined/);
  expect(svg).not.toMatch(/="[^"]*(NaN|undefined|Infinity)/);
}

const textsOf = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map((match) => match[1]);

describe("drawNet", () => {
  test.each(netNames())("draws %s", (name) => {
    const svg = drawNet(summarize(createNet(name)));
    checkXml(svg);
    expect(textsOf(svg)).toContain("INPUT");
  });

  test("writes every layer in the literature's words", () => {
    const svg = drawNet(summarize(createNet("alexnet", { variant: "deck" })));
    const texts = textsOf(svg);
    expect(texts).toEqual(
      expect.arrayContaining([
        "227x227x3",
        "CONV1",
        "55x55x96",
        "96 11x11 filters at stride 4, pad 0",
        "MAX POOL1",
        "27x27x96",
        "FC8",
        "1000",
      ]),
    );
    expect(svg).toContain("Architecture of alexnet (deck)");
  });

  test("draws blocks in frames, branches side by side, repetitions once", () => {
    const texts = textsOf(drawNet(summarize(createNet("resnet50"))));
    expect(texts).toContain("bottleneck layer3.1  × 5");
    expect(texts.filter((text) => text === "+")).toHaveLength(8);
    const unfolded = textsOf(drawNet(summarize(createNet("resnet50")), { fold: false }));
    expect(unfolded.filter((text) => text === "+")).toHaveLength(16);
    const branches = textsOf(drawNet(summarize(createNet("googlenet"))));
    expect(branches).toEqual(expect.arrayContaining(["inception3a", "CONV branch2.1.conv"]));
  });

  test("names the sources of lines that it cannot draw", () => {
    const texts = textsOf(drawNet(summarize(createNet("convnext_fusion"))));
    expect(texts).toContain("layer norm, also takes fine.1, wide.1");
  });

  test("escapes names", () => {
    const layer = sequential({ "a<b": conv2d({ channels: 2, kernel: 1 }), p: globalAvgPool2d() });
    const svg = drawNet(summarize({ name: 'x & "y"', layer, input: [1, 4, 4] }));
    checkXml(svg);
    expect(svg).toContain("x &amp; &quot;y&quot;");
    expect(svg).toContain("a&lt;b");
  });

  test("draws a net of one's own", () => {
    const layer = functional({
      steps: {
        left: { layer: conv2d({ channels: 2, kernel: 1 }) },
        right: { layer: conv2d({ channels: 2, kernel: 3, padding: 1 }), from: "input" },
        both: { layer: layers.sum(), from: ["left", "right"] },
      },
    });
    const svg = drawNet(summarize({ name: "own", layer, input: [3, 8, 8] }));
    checkXml(svg);
    expect(textsOf(svg)).toEqual(expect.arrayContaining(["CONV left", "CONV right", "+ both"]));
  });
});

describe("depthChart", () => {
  test("shows depths as the literature counts them, the oldest first", () => {
    const entries = catalogueDepths(["resnet152", "googlenet", "vgg19", "alexnet", "lenet5"]);
    expect(entries.map(({ name, depth }) => [name, depth])).toEqual([
      ["lenet5", 5],
      ["alexnet", 8],
      ["vgg19", 19],
      ["googlenet", 22],
      ["resnet152", 152],
    ]);
    const svg = depthChart(entries);
    checkXml(svg);
    expect(textsOf(svg)).toContain("152 layers, top-5 error 3.57 %");
    const widths = [...svg.matchAll(/class="bar"[^>]*width="(\d+)"/g)].map((m) => Number(m[1]));
    expect(widths).toHaveLength(5);
    expect(widths[2]).toBe(Math.round((widths[4]! * 19) / 152));
  });

  test("draws the whole catalogue", () => {
    const entries = catalogueDepths();
    expect(entries).toHaveLength(netNames().length);
    checkXml(depthChart(entries));
  });
});
