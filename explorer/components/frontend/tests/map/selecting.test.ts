// Selections: how shapes join, how they travel, and that changes follow one another.
import { describe, expect, it } from "vitest";
import { bitsOf, join, joining, readBits, type Selection } from "../../src/map/select";

const marks = (...values: number[]) => Uint8Array.from(values);
const selected = (...values: number[]) => join(null, marks(...values), "replace");

describe("selections", () => {
  it("adds with Shift and takes away with Alt", () => {
    expect(joining({ shiftKey: false, altKey: false })).toBe("replace");
    expect(joining({ shiftKey: true, altKey: false })).toBe("add");
    expect(joining({ shiftKey: true, altKey: true })).toBe("take");
  });

  it("joins what was drawn with what was selected", () => {
    const before = selected(1, 1, 0, 0);
    const found = marks(0, 1, 1, 0);
    expect(join(before, found, "replace")?.marks).toEqual(found);
    expect(join(before, found, "add")?.marks).toEqual(marks(1, 1, 1, 0));
    expect(join(before, found, "take")?.marks).toEqual(marks(1, 0, 0, 0));
    expect(before?.marks).toEqual(marks(1, 1, 0, 0));
  });

  it("knows no empty selection", () => {
    expect(join(null, marks(0, 0), "replace")).toBeNull();
    expect(join(selected(1, 0), marks(1, 0), "take")).toBeNull();
    expect(join(null, marks(1, 1), "take")).toBeNull();
    expect(readBits("", 3)).toBeNull();
    expect(readBits("AAA=", 9)).toBeNull();
  });

  it("travels as a bit an item, the first in the lowest bit", () => {
    const ten = marks(1, 0, 1, 0, 0, 0, 0, 0, 0, 1);
    expect(bitsOf(ten)).toBe(btoa("\x05\x02"));
    expect(readBits(bitsOf(ten), 10)?.marks).toEqual(ten);
    expect(readBits(bitsOf(ten), 4)?.marks).toEqual(marks(1, 0, 1, 0));
    expect(readBits(bitsOf(ten), 4)?.count).toBe(2);
  });

  it("of a million images goes there and back", () => {
    const many = Uint8Array.from({ length: 1_000_000 }, (_, i) => (i % 20 === 0 ? 1 : 0));
    const { bits } = join(null, many, "replace") as Selection;
    expect(bits.length).toBeLessThan(170_000);
    const back = readBits(bits, 1_000_000);
    expect(back?.marks.every((mark, i) => mark === many[i])).toBe(true);
  });
});
