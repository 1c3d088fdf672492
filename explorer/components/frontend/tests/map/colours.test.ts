// Palettes stay apart for colour-blind eyes; values become shades, missing ones included.
import { describe, expect, it } from "vitest";
import { CATEGORIES, pack, parseHex, type Rgb, shadeBy, viridis } from "../../src/map/colours";

const missing: Rgb = [1, 2, 3];

// Machado, Oliveira and Fernandes (2009), severity 1.
const VISIONS: number[][][] = [
  [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
];

function oklab(hex: string, vision: number[][]): number[] {
  const linear = parseHex(hex).map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  const [r, g, b] = vision.map((row) =>
    Math.min(1, Math.max(0, row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2])),
  );
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

describe("the categorical palette", () => {
  it("has thirty different colours", () => {
    expect(new Set(CATEGORIES).size).toBeGreaterThanOrEqual(30);
  });

  it.each([0, 1, 2])("keeps its first ten apart, vision %i", (n) => {
    const colours = CATEGORIES.slice(0, 10).map((c) => oklab(c, VISIONS[n]));
    for (let i = 0; i < 10; i++)
      for (let j = 0; j < i; j++) {
        const d = Math.hypot(...[0, 1, 2].map((k) => colours[i][k] - colours[j][k]));
        expect(d).toBeGreaterThan(0.09);
      }
  });
});

describe("shadeBy", () => {
  it("gives categories their index, and one shade to all that is missing", () => {
    const values = Float32Array.of(0, 2, 1, -1, Number.NaN, 7);
    const { shade, palette, legend } = shadeBy(
      values,
      "categorical",
      "Hair",
      ["a", "b", "c"],
      "light",
      missing,
    );
    expect([...shade]).toEqual([0, 2, 1, 3, 3, 3]);
    expect(palette[3]).toBe(pack(missing));
    if (legend.kind !== "categories") throw new Error("not categories");
    expect(legend.entries.map((e) => [e.label, e.count])).toEqual([
      ["a", 1],
      ["b", 1],
      ["c", 1],
      ["not known", 3],
    ]);
  });

  it("has colours for more categories than its table", () => {
    const labels = Array.from({ length: 45 }, (_, i) => String(i));
    const { palette } = shadeBy(Float32Array.of(44), "categorical", "t", labels, "light", missing);
    expect(new Set(palette).size).toBe(46);
  });

  it("names a yes/no attribute without labels", () => {
    const { legend } = shadeBy(Float32Array.of(1, 0, 1), "binary", "Hat", [], "dark", missing);
    if (legend.kind !== "categories") throw new Error("not categories");
    expect(legend.entries.map((e) => [e.label, e.count])).toEqual([
      ["no", 1],
      ["yes", 2],
    ]);
  });

  it("spreads a ramp over the bulk of the values, not over an outlier", () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => i / 999);
    values[500] = 1e6;
    const { shade, legend } = shadeBy(values, "continuous", "Smile", [], "light", missing);
    if (legend.kind !== "ramp") throw new Error("not a ramp");
    expect(legend.high).toBeLessThan(1.01);
    expect(shade[0]).toBe(0);
    expect(shade[500]).toBe(255);
    expect(shade[250]).toBeGreaterThan(55);
    expect(shade[250]).toBeLessThan(75);
  });

  it("survives equal values and no values", () => {
    for (const values of [new Float32Array(5).fill(3), new Float32Array(3).fill(Number.NaN)]) {
      const { shade } = shadeBy(values, "continuous", "t", [], "light", missing);
      expect(shade).toHaveLength(values.length);
      expect(Math.max(...shade)).toBeLessThanOrEqual(256);
    }
    expect(
      shadeBy(Float32Array.of(Number.NaN), "continuous", "t", [], "light", missing).shade[0],
    ).toBe(256);
  });

  it("runs through viridis from dark blue to yellow", () => {
    expect(viridis(0)).toEqual([0x44, 0x01, 0x54]);
    expect(viridis(1)).toEqual([0xfd, 0xe7, 0x25]);
    expect(viridis(0.5)).toEqual([0x21, 0x91, 0x8c]);
  });
});
