// The walk reaches every point once, in order, forwards and backwards, and passes over what is left out.
import { describe, expect, it } from "vitest";
import { nextItem } from "../../src/map/order";

const all = () => true;

function walked(values: number[], step: 1 | -1, accept: (item: number) => boolean = all): number[] {
  const seen: number[] = [];
  let item = -1;
  for (let n = 0; n < values.length; n++) {
    const order = { data: [0, ...values], stride: 1, offset: 1 };
    item = nextItem(values.length, order, item, step, accept);
    if (item < 0 || seen.includes(item)) break;
    seen.push(item);
  }
  return seen;
}

describe("nextItem", () => {
  it("reaches every item once, equal values by number", () => {
    const values = [3, 1, 2, 1, 3, 0];
    expect(walked(values, 1)).toEqual([5, 1, 3, 2, 0, 4]);
    expect(walked(values, -1)).toEqual([4, 0, 2, 3, 1, 5]);
  });

  it("starts again from the other end", () => {
    for (const order of [null, { data: [0, 1, 2], stride: 1, offset: 0 }]) {
      expect(nextItem(3, order, 2, 1, all)).toBe(0);
      expect(nextItem(3, order, 0, -1, all)).toBe(2);
      expect(nextItem(3, order, -1, 1, all)).toBe(0);
      expect(nextItem(3, order, -1, -1, all)).toBe(2);
      expect(nextItem(3, order, 0, 1, (i) => i !== 1)).toBe(2);
    }
  });

  it("passes over items without a place and those that the legend leaves out", () => {
    expect(walked([1, Number.NaN, 0, 2], 1)).toEqual([2, 0, 3]);
    expect(walked([0, 1, 2, 3], 1, (i) => i % 2 === 1)).toEqual([1, 3]);
    expect(nextItem(4, null, -1, 1, () => false)).toBe(-1);
  });
});
