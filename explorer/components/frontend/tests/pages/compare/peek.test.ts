// Where the card beside an item stands, and how small numbers are written.
import { expect, it } from "vitest";
import { letter, short } from "../../../src/pages/compare/column";
import { beside } from "../../../src/pages/compare/peek";

it.each([[[10, 10]], [[290, 10]], [[10, 290]], [[290, 290]], [[150, 150]]] as [[number, number]][])(
  "the card beside %j is inside the map and not over the point",
  (at) => {
    const [left, top] = beside(at, [70, 80], [300, 300]);
    expect(left).toBeGreaterThanOrEqual(0);
    expect(top).toBeGreaterThanOrEqual(0);
    expect(left + 70).toBeLessThanOrEqual(300);
    expect(top + 80).toBeLessThanOrEqual(300);
    expect(at[0] < left || at[0] > left + 70).toBe(true);
  },
);

it("a card that is larger than the map starts at its corner", () => {
  expect(beside([20, 20], [400, 400], [300, 300])).toEqual([4, 4]);
});

it("figures have three digits that count", () => {
  expect([0.01234, 0.1, 0, 0.00012, 12.345].map(short)).toEqual([
    "0.0123",
    "0.1",
    "0",
    "1.2e-4",
    "12.3",
  ]);
  expect([0, 5].map(letter)).toEqual(["A", "F"]);
});
