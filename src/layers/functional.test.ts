import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../graph/builder.ts";
import { print } from "../graph/print.ts";
import { buildNet, concat, functional, identity, type Layer, relu, sum } from "./index.ts";

function printed(net: Layer): string {
  const builder = new GraphBuilder();
  const { output } = buildNet(net, { builder, input: builder.input("x", [1, 2]), training: false });
  builder.output("y", output);
  return print(builder.finish());
}

describe("functional", () => {
  test("takes from the step before unless told otherwise", () => {
    const net = functional({
      steps: {
        a: { layer: relu() },
        b: { layer: relu() },
        both: { layer: sum(), from: ["a", "b"] },
        all: { layer: concat(), from: ["both", "input"] },
      },
    });
    expect(printed(net)).toMatchInlineSnapshot(`
      "%0 = input() : float32[1, 2]  # x
      %1 = unary(%0) function=relu parameters={} : float32[1, 2]  # a.relu
      %2 = unary(%1) function=relu parameters={} : float32[1, 2]  # b.relu
      %3 = binary(%1, %2) function=add : float32[1, 2]  # both.add
      %4 = concat(%3, %0) axis=1 : float32[1, 4]  # all.concat
      output "y" = %4"
    `);
  });

  test("may end elsewhere", () => {
    const net = functional({
      steps: { a: { layer: relu() }, b: { layer: identity(), from: "a" } },
      output: "b",
    });
    expect(printed(net)).toContain("unary");
  });

  test("may have heads that serve training only", () => {
    const net = functional({
      steps: {
        a: { layer: relu() },
        head: { layer: relu(), auxiliary: 0.3 },
        b: { layer: identity() },
      },
    });
    const builder = new GraphBuilder();
    const input = builder.input("x", [1, 2]);
    const { output, auxiliary, records } = buildNet(net, { builder, input, training: true });
    expect(auxiliary).toMatchObject([{ name: "head", weight: 0.3 }]);
    expect(records.find(({ name }) => name === "b")!.outputId).toBe(output.id);
    expect(records.find(({ name }) => name === "b")!.inputIds).toEqual([
      records.find(({ name }) => name === "a")!.outputId,
    ]);
  });

  test.each([
    [
      () =>
        functional({
          steps: {
            head: { layer: relu(), auxiliary: 0.3 },
            b: { layer: relu(), from: "head" },
          },
        }),
      'step "head" is an auxiliary head',
    ],
    [() => functional({ steps: {} }), /there are no steps/],
    [() => functional({ steps: { input: { layer: relu() } } }), /a step cannot be called "input"/],
    [
      () => functional({ steps: { a: { layer: relu(), from: "b" }, b: { layer: relu() } } }),
      'step "a" takes from "b", which no earlier step is called.',
    ],
    [
      () =>
        functional({ steps: { first: { layer: relu() }, b: { layer: relu(), from: "frist" } } }),
      'Did you mean "first"? Known: input, first.',
    ],
    [
      () => functional({ steps: { a: { layer: relu() }, b: { layer: relu(), from: "input" } } }),
      'nobody takes from step "a"',
    ],
    [
      () => functional({ steps: { a: { layer: relu() } }, output: "z" }),
      'the output takes from "z"',
    ],
    [
      () => functional({ steps: { a: { layer: relu(), frm: "input" } as never } }),
      /steps is .*expected an object/,
    ],
  ])("refuses %#", (make, message) => {
    expect(make).toThrow(message);
  });
});
