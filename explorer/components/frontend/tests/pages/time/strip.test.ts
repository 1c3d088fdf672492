// The filmstrip: where the playhead snaps, how disagreement is drawn, how spread is coloured.
import { describe, expect, it } from "vitest";
import { largest, points, written } from "../../../src/pages/time/disagreement";
import { heat } from "../../../src/pages/time/heat";
import { every, scrolledTo, seenAt } from "../../../src/pages/time/strip";

describe("the playhead", () => {
  it("snaps to the nearest boundary of two frames, and always sees one", () => {
    expect(seenAt(0.55, 20)).toBe(11);
    expect(seenAt(0.57, 20)).toBe(11);
    expect(seenAt(0.58, 20)).toBe(12);
    expect([seenAt(-1, 20), seenAt(0, 20), seenAt(2, 20)]).toEqual([1, 1, 20]);
  });

  it("writes a number over each frame of a short sequence, fewer over a long one", () => {
    expect([every(10), every(25), every(26), every(100)]).toEqual([1, 1, 2, 4]);
  });
});

describe("a strip that is wider than its window", () => {
  it("stands still while the playhead is in sight", () => {
    expect(scrolledTo(300, 0, 600, 30)).toBe(0);
    expect(scrolledTo(300, 200, 600, 30)).toBe(200);
  });

  it("is scrolled just as far as it must be", () => {
    expect(scrolledTo(800, 0, 600, 30)).toBe(230);
    expect(scrolledTo(300, 500, 600, 30)).toBe(270);
    expect(scrolledTo(10, 500, 600, 30)).toBe(0);
  });
});

describe("disagreement", () => {
  it("is drawn from 0 to the largest of both lines, in the middle of their columns", () => {
    const most = largest({ now: [0.01, 0.02], ahead: [0.2, 0.05] });
    expect(most).toBe(0.2);
    const [first, second] = points([0.2, 0], most).split(" ");
    const [x, high] = first.split(",").map(Number);
    const [x2, low] = second.split(",").map(Number);
    expect([x, x2]).toEqual([0.5, 1.5]);
    expect(high).toBeLessThan(low);
    expect(points([0.1], most).split(",")[1]).toBe(((high + low) / 2).toFixed(2));
  });

  it("has room where all draws are the same, or there are none", () => {
    expect(largest({ now: [0], ahead: [0] })).toBe(1e-3);
    expect(largest({ now: [], ahead: [] })).toBe(1e-3);
  });

  it("is written with three digits", () => {
    expect(written(0.0416)).toBe("0.042");
  });
});

describe("heat", () => {
  it("averages channels and colours from dark to bright", () => {
    const grey = heat(Uint8Array.of(9, 0, 255), { first: 1, count: 2 }, [1, 1, 1]);
    expect(grey.shape).toEqual([3, 1, 1]);
    expect([...grey.pixels]).toEqual([0x44, 0x01, 0x54, 0xfd, 0xe7, 0x25]);
    const colour = heat(Uint8Array.of(255, 255, 255), { first: 0, count: 1 }, [3, 1, 1]);
    expect([...colour.pixels]).toEqual([0xfd, 0xe7, 0x25]);
  });
});
