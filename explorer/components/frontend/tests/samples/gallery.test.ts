import { expect, test } from "vitest";
import { nameOf } from "../../src/samples/gallery";

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
