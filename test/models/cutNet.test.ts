import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { buildNet } from "../../src/layers/layer.ts";
import { cutPlaces, transferNet } from "../../src/models/cutNet.ts";
import { createNet, type Net, netFromJson, netNames, netToJson } from "../../src/models/index.ts";

function built(net: Pick<Net, "layer" | "input">) {
  const builder = new GraphBuilder({ keepComposites: true });
  const input = builder.input("x", [2, ...net.input]);
  return buildNet(net.layer, { builder, input, training: false });
}

const names = (net: Pick<Net, "layer" | "input">) =>
  built(net).parameters.map(({ name, shape }) => `${name} ${shape.join("x")}`);

// A net that tests can build in no time stands for its family; LeNet's paper form ends in distances.
const families = netNames().filter((name) => name !== "mlp");

describe("transferNet", () => {
  it.each(families)("%s: a new classifier, the body as it was", (name) => {
    const base = createNet(name, { variant: "test" });
    const { net, body, codes, head } = transferNet(base, 7);
    expect(built(net).output.shape).toEqual([2, 7]);
    expect(built({ layer: body, input: base.input }).output.shape).toEqual([2, codes]);
    const own = names(net);
    expect(own).toContain(`${head}.weight 7x${codes}`);
    // Everything below the head is the base's, under the same name.
    const before = new Set(names(base));
    const kept = own.filter((line) => !line.startsWith(`${head}.`) && !line.startsWith("aux"));
    expect(kept.filter((line) => !before.has(line))).toEqual([]);
    const inBody = new Set(names({ layer: body, input: base.input }));
    expect(kept.filter((line) => !inBody.has(line))).toEqual([]);
  });

  it("keeps a net that ends in a linear layer, and cuts one that does not", () => {
    const resnet = transferNet(createNet("resnet18"), 5);
    expect(resnet).toMatchObject({ codes: 512, head: "fc", net: { variant: "torchvision" } });
    const squeezenet = transferNet(createNet("squeezenet"), 5);
    expect(squeezenet).toMatchObject({ codes: 512, cut: "features", net: { variant: "own" } });
    expect(names(squeezenet.net).some((name) => name.startsWith("classifier"))).toBe(false);
  });

  it("cuts behind a layer of one's choice, and again a net that was cut", () => {
    const once = transferNet(createNet("squeezenet"), 5, "features.9");
    expect(once).toMatchObject({ codes: 384, cut: "features.9", head: "head.fc" });
    const twice = transferNet(once.net, 3);
    expect(twice).toMatchObject({ codes: 384, head: "head.fc", net: { classes: 3 } });
    expect(names(twice.net).slice(0, -2)).toEqual(names(once.net).slice(0, -2));
  });

  it("survives being written to a file, for other classes too", () => {
    const { net } = transferNet(createNet("squeezenet", { variant: "test" }), 5);
    const again = netFromJson(JSON.parse(JSON.stringify(netToJson(net))), { classes: 9 });
    expect(built(again).output.shape).toEqual([2, 9]);
    expect(names(again).slice(0, -2)).toEqual(names(net).slice(0, -2));
  });

  it("says what it can be cut behind", () => {
    const base = createNet("squeezenet");
    expect(cutPlaces(base)).toContain("features.9");
    expect(() => transferNet(base, 5, "features.99")).toThrow(/no such layer. It has features.0,/);
    expect(() => transferNet(base, 5, "features.9.squeeze")).toThrow(/inside a fire/);
  });
});
