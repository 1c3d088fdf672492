// The steps of the walk that keys take.
import { expect, it } from "vitest";
import { STRIP, stepFrom } from "../../../src/pages/codes/walk";

it("a key goes to the next picture of the strip, from one or from between two, and stops at the ends", () => {
  const one = 1 / (STRIP - 1);
  expect(stepFrom(0.5, 1)).toBeCloseTo(0.5 + one);
  expect(stepFrom(0.5, -1)).toBeCloseTo(0.5 - one);
  expect(stepFrom(0.5 + one / 3, 1)).toBeCloseTo(0.5 + one);
  expect(stepFrom(0.5 + one / 3, -1)).toBeCloseTo(0.5);
  expect([stepFrom(1, 1), stepFrom(0, -1)]).toEqual([1, 0]);
});
