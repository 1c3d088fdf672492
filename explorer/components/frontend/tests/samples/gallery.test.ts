import { expect, test } from "vitest";
import { beside, nameOf } from "../../src/samples/gallery";

test("a sample is called by its number and its caption", () => {
  const loose = { rows: [], heads: [], columns: 8, captions: ["12 %", "99 %"] };
  expect(nameOf(1, loose)).toBe("Sample 2: 99 %");
});

test("a picture of a traversal is called by its row and its column", () => {
  const rows = {
    rows: ["Dimension 4", "Dimension 0"],
    heads: ["−2", "0", "2"],
    columns: 3,
    captions: [],
  };
  expect(nameOf(5, rows)).toBe("Dimension 0, 2");
});

test("arrow keys go from picture to picture and stop at the edges", () => {
  const go = (key: string, index: number) => beside(key, index, 3, 8);
  expect(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => go(key, 4))).toEqual([
    3, 5, 1, 7,
  ]);
  expect([go("ArrowUp", 1), go("ArrowDown", 5), go("ArrowRight", 7)]).toEqual([1, 5, 7]);
});
