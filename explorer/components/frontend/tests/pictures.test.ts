// Raw bytes become opaque pixels; words and numbers of the gauge and the legend.
import { expect, it } from "vitest";
import { ordinal, verdict } from "../src/gauge";
import { wheelFactor } from "../src/map/gestures";
import { brief } from "../src/map/legend";
import { expand } from "../src/pictures";

it("expands RGB and grey bytes from an offset", () => {
  const pixels = new Uint32Array(2);
  expand(Uint8Array.of(9, 9, 9, 1, 2, 3, 255, 254, 253), 3, 3, pixels);
  expect([...new Uint8Array(pixels.buffer)]).toEqual([1, 2, 3, 255, 255, 254, 253, 255]);
  expand(Uint8Array.of(0, 7, 200), 1, 1, pixels);
  expect([...new Uint8Array(pixels.buffer)]).toEqual([7, 7, 7, 255, 200, 200, 200, 255]);
});

it("speaks calmly of distances", () => {
  expect([0, 89.9, 90, 98.9, 99, 100].map(verdict)).toEqual([
    "near the data",
    "near the data",
    "unusual",
    "unusual",
    "off the data",
    "off the data",
  ]);
  expect([1, 2, 3, 4, 11, 12, 13, 22, 73, 91, 100].map(ordinal)).toEqual(
    "1st 2nd 3rd 4th 11th 12th 13th 22nd 73rd 91st 100th".split(" "),
  );
});

it("writes numbers briefly", () => {
  expect([0, 0.714, -1.5, 12.34, 1234.5, 0.00012].map(brief)).toEqual([
    "0",
    "0.71",
    "-1.5",
    "12.3",
    "1235",
    "1.2e-4",
  ]);
});

it("zooms in on wheel up, out on wheel down, in bounded steps", () => {
  const wheel = (deltaY: number, deltaMode = 0) =>
    wheelFactor({ deltaY, deltaMode, ctrlKey: false });
  expect(wheel(-100)).toBeGreaterThan(1);
  expect(wheel(100) * wheel(-100)).toBeCloseTo(1);
  expect(wheel(1e6)).toBeGreaterThan(0.7);
  expect(wheel(-3, 1)).toBeGreaterThan(wheel(-3, 0));
});
