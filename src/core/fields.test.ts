import { describe, expect, test } from "vitest";
import {
  checkOptions,
  either,
  type Fields,
  flag,
  integer,
  listOf,
  nullable,
  number,
  oneOf,
  optional,
  recordOf,
  text,
} from "./fields.ts";

const fields: Fields = {
  size: integer(1),
  rate: optional(number(0, 1)),
  mode: optional(oneOf("fast", "slow", 3)),
  on: optional(flag()),
  names: optional(listOf(text(), 1)),
  table: optional(recordOf(integer(0))),
  momentum: optional(nullable(number())),
  over: optional(either(integer(1), oneOf("all"))),
};

describe("checkOptions", () => {
  test.each([
    { size: 3 },
    { size: 1, rate: 0.5, mode: "slow", on: false, names: ["a"], table: { a: 0 } },
    { size: 1, mode: 3, momentum: null, over: "all" },
    { size: 1, momentum: 0.9, over: 2, rate: undefined },
  ])("accepts %j", (options) => {
    expect(() => checkOptions("thing", options, fields)).not.toThrow();
  });

  test.each([
    [{}, 'thing: option "size" is missing; expected an integer of at least 1.'],
    [{ size: 0 }, "thing: size is 0; expected an integer of at least 1."],
    [{ size: 1.5 }, "thing: size is 1.5; expected an integer of at least 1."],
    [{ size: "3" }, 'thing: size is "3"; expected an integer of at least 1.'],
    [{ size: 1, siez: 2 }, /unknown option "siez"\. Did you mean "size"\? It takes: size, rate/],
    [{ size: 1, rate: 2 }, "thing: rate is 2; expected a number from 0 to 1."],
    [{ size: 1, rate: Number.NaN }, /rate is null; expected a number from 0 to 1/],
    [{ size: 1, mode: "quick" }, 'thing: mode is "quick"; expected one of fast, slow, 3.'],
    [{ size: 1, on: 1 }, "thing: on is 1; expected true or false."],
    [{ size: 1, names: [] }, "thing: names is []; expected a list of at least 1, each a text."],
    [{ size: 1, table: { a: -1 } }, /table is \{"a":-1\}; expected an object/],
    [{ size: 1, table: [] }, /table is \[\]; expected an object/],
    [{ size: 1, momentum: "x" }, 'thing: momentum is "x"; expected a number, or null.'],
    [{ size: 1, over: 0 }, /over is 0; expected an integer of at least 1, or one of all/],
    [{ size: () => 1 }, /size is a function; expected/],
    [{ size: "x".repeat(100) }, /size is "x{56}…; expected/],
  ])("refuses %j", (options, message) => {
    expect(() => checkOptions("thing", options, fields)).toThrow(message);
  });

  test("says when there is nothing to choose", () => {
    expect(() => checkOptions("flatten", { axis: 1 }, {})).toThrow("It takes: none.");
  });
});
