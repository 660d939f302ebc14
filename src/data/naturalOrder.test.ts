import { expect, it } from "vitest";
import { compareNatural } from "./naturalOrder.ts";

it("orders names as people do", () => {
  const names = [
    "img12",
    "img10",
    "img2",
    "IMG2",
    "img1",
    "10",
    "9",
    "img",
    "img02",
    "a",
    "B",
    "img1a",
    "",
  ];
  expect(names.sort(compareNatural)).toEqual([
    "",
    "9",
    "10",
    "B",
    "IMG2",
    "a",
    "img",
    "img1",
    "img1a",
    "img2",
    "img02",
    "img10",
    "img12",
  ]);
});
