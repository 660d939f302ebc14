import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { elementCount } from "../../src/core/shape.ts";
import { GraphBuilder } from "../../src/graph/builder.ts";
import { type BuiltNet, buildNet } from "../../src/layers/layer.ts";
import { createNet } from "../../src/models/index.ts";
import { ourName } from "./torchvisionNames.ts";

/** What PyTorch says about a network: conformance vectors that lie beside the checkout, if at all. */
interface NetworkFacts {
  readonly case: string;
  readonly architecture: string;
  readonly options: { readonly aux_logits?: boolean };
  readonly input_shape: readonly number[];
  readonly output_shape: readonly number[];
  readonly parameters: number;
  readonly buffer_elements: number;
  readonly multiply_adds: number;
  readonly state_dict: readonly [string, readonly number[], string][];
  readonly modules_in_call_order: readonly [string, string, readonly number[]][];
}

const folder = new URL("../../../shared/conformance/torch/models/", import.meta.url);
const facts = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith(".json"))
      .map((name) => JSON.parse(readFileSync(new URL(name, folder), "utf8")) as NetworkFacts)
  : [];

function build({ architecture, input_shape }: NetworkFacts): BuiltNet {
  const { name, variant } = ourName(architecture);
  const { layer } = createNet(name, { variant });
  const builder = new GraphBuilder({ keepComposites: true });
  return buildNet(layer, { builder, input: builder.input("x", input_shape), training: false });
}

describe("networks of torchvision (../shared/conformance)", () => {
  // Without the folder there is no case to name, and yet the run must count what it leaves out.
  if (facts.length === 0) {
    it("have the parameters, sizes and operations of their library", (context) => {
      context.skip("../shared/conformance/torch/models is not on this machine");
    });
  }

  it.each(facts.map((f) => [f.case, f] as const))("%s", (_, expected) => {
    const built = build(expected);
    const withHeads = expected.options.aux_logits === true;
    const kept = built.parameters.filter(({ auxiliary }) => withHeads || !auxiliary);
    expect(kept.map(({ name, shape, kind }) => [name, shape, kind])).toEqual(expected.state_dict);
    const elements = (wanted: string) =>
      kept
        .filter(({ kind }) => kind === wanted)
        .reduce((sum, { shape }) => sum + elementCount(shape), 0);
    expect(elements("parameter")).toBe(expected.parameters);
    expect(elements("buffer")).toBe(expected.buffer_elements);
    expect(built.output.shape).toEqual(expected.output_shape);
    const leaves = built.records.filter(({ inside, auxiliary }) => inside === 0 && !auxiliary);
    expect(leaves.reduce((sum, { macs }) => sum + macs, 0)).toBe(expected.multiply_adds);
    const modules = leaves
      .filter(({ type }) => type !== undefined)
      .map(({ name, type, output, view }) => [name, type, view?.map((a) => output[a]) ?? output]);
    expect(modules).toEqual(expected.modules_in_call_order);
  });
});
