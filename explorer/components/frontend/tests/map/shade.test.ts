// A selection among coloured points.
import { describe, expect, it } from "vitest";
import { shadeBy } from "../../src/map/colours";
import { litShades, makeup, markPoints } from "../../src/map/shade";

const base = shadeBy(
  Float32Array.of(0, 1, 1, 2, 2, 2),
  "categorical",
  "Digit",
  ["zero", "one", "two"],
  "light",
  [1, 2, 3],
);
const marks = Uint8Array.of(1, 1, 0, 1, 1, 0);

describe("markPoints", () => {
  it("gives selected points shades of their own in the same colours", () => {
    const { shading: marked, counts } = markPoints(base, marks);
    marked.shade.forEach((shade, i) => {
      expect(marked.palette[shade]).toBe(base.palette[base.shade[i]]);
      expect(shade >= base.palette.length).toBe(marks[i] === 1);
    });
    expect([...counts]).toEqual([1, 1, 2, 0]);
    expect([...base.shade]).toEqual([0, 1, 1, 2, 2, 2]);
  });
});

describe("litShades", () => {
  const lit = (picked: number[]) => {
    const shades = litShades(base.palette.length, new Set(picked));
    const { shade } = markPoints(base, marks).shading;
    return [...shade].map((s) => shades.has(s));
  };

  it("lights the selected points", () => {
    expect(lit([])).toEqual([true, true, false, true, true, false]);
  });

  it("lights those of them that the legend picks", () => {
    expect(lit([2])).toEqual([false, false, false, true, true, false]);
  });
});

it("says what the selected points are, the most first", () => {
  const { counts } = markPoints(base, marks);
  expect(makeup(base.legend, counts)).toBe("two: 50 %, zero: 25 %, one: 25 %");
  expect(makeup(base.legend, counts, 1)).toBe("two: 50 %");
  expect(makeup(base.legend, new Uint32Array(4))).toBe("");
  const ramp = shadeBy(Float32Array.of(1, 2), "continuous", "Ink", [], "light", [0, 0, 0]);
  expect(makeup(ramp.legend, markPoints(ramp, Uint8Array.of(1, 1)).counts)).toBe("");
});
