import { describe, expect, it } from "vitest";
import { bitsOf, join, joining, marksOf } from "../../src/map/selecting";

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
    expect(marksOf("", 3)).toBeNull();
    expect(marksOf("AAA=", 9)).toBeNull();
  });

  it("travels as a bit an item, the first in the lowest bit", () => {
    const ten = marks(1, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    expect(bitsOf(ten)).toBe(btoa("\x05\x02"));
    expect(marksOf(bitsOf(ten), 10)).toEqual(ten);
    expect(marksOf(bitsOf(ten), 4)).toEqual(marks(1, 0, 1, 0));
    expect(bitsOf(null)).toBe("");
  });

  it("of a million images goes there and back", () => {
    const many = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i % 20 === 0 ? 1 : 0));
    const bits = bitsOf(many);
    expect(bits.length).toBeLessThan(170_000);
    const back = marksOf(bits, 1_000_000);
    expect(back?.every((mark, i) => mark === many[i])).toBe(true);
  });
});
