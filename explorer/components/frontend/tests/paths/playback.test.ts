import { describe as about, expect, test } from "vitest";
import { describe, frameAt, stripFrames } from "../../src/paths/playback";
import { place } from "../../src/sheet";

about("playing there and back", () => {
  test("goes to the end, turns, and starts anew", () => {
    const seen = Array.from({ length: 9 }, (_, beat) => frameAt(beat, 4));
    expect(seen).toEqual([0, 1, 2, 3, 2, 1, 0, 1, 2]);
  });

  test("stays within a beat and on a single frame", () => {
    expect(frameAt(1.9, 4)).toBe(1);
    expect(frameAt(7, 1)).toBe(0);
  });
});

about("frames of a strip", () => {
  test("are all where they fit", () => {
    expect(stripFrames(4, 17)).toEqual([0, 1, 2, 3]);
  });

  test("are even and hold both ends", () => {
    expect(stripFrames(33, 5)).toEqual([0, 8, 16, 24, 32]);
    expect(stripFrames(0, 5)).toEqual([]);
  });
});

test("a moment in words", () => {
  expect(describe(0, 9)).toBe("frame 1 of 9 · 0 %");
  expect(describe(8, 9)).toBe("frame 9 of 9 · 100 %");
});

test("where a picture lies in a sheet", () => {
  expect(place(5, 3, [1, 10, 20])).toEqual([40, 10, 20, 10]);
  expect(place(5, 1, [3, 8, 8])).toEqual([0, 40, 8, 8]);
});
