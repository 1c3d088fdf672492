import { describe, expect, it } from "vitest";
import { itemsOf, join, joining, marksOf } from "../../src/map/selecting";

const marks = (...values: number[]) => Uint8Array.from(values);

describe("selecting", () => {
  it("adds with Shift and takes away with Alt", () => {
    expect(joining({ shiftKey: false, altKey: false })).toBe("replace");
    expect(joining({ shiftKey: true, altKey: false })).toBe("add");
    expect(joining({ shiftKey: true, altKey: true })).toBe("take");
  });

  it("joins what was drawn with what was selected", () => {
    const before = marks(1, 1, 0, 0);
    const found = marks(0, 1, 1, 0);
    expect(join(before, found, "replace")).toEqual(found);
    expect(join(before, found, "add")).toEqual(marks(1, 1, 1, 0));
    expect(join(before, found, "take")).toEqual(marks(1, 0, 0, 0));
    expect(before).toEqual(marks(1, 1, 0, 0));
  });

  it("knows no empty selection", () => {
    expect(join(null, marks(0, 0), "replace")).toBeNull();
    expect(join(marks(1, 0), marks(1, 0), "take")).toBeNull();
    expect(join(null, marks(1, 1), "take")).toBeNull();
    expect(marksOf([], 3)).toBeNull();
  });

  it("goes from items to marks and back, past those that are not there", () => {
    expect(itemsOf(marksOf([2, 0, 7, -1], 4))).toEqual([0, 2]);
    expect(itemsOf(null)).toEqual([]);
  });
});
