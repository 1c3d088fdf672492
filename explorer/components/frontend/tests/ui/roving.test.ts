// Where the arrow keys lead in a row of controls.
import { expect, it } from "vitest";
import { next } from "../../src/ui/roving";

it("goes around the ends, to the first and to the last", () => {
  expect(next("ArrowRight", 0, 3)).toBe(1);
  expect(next("ArrowDown", 2, 3)).toBe(0);
  expect(next("ArrowLeft", 0, 3)).toBe(2);
  expect([next("Home", 1, 3), next("End", 1, 3)]).toEqual([0, 2]);
  expect(next("Tab", 1, 3)).toBeNull();
});
