// The timeline of a future: its lead, its pace, its end.
import { expect, describe as group, it } from "vitest";
import { describe, following, LEAD, timeline } from "../../../src/pages/time/playback";

group("timeline", () => {
  it("starts with the last frames seen and goes on by jumps", () => {
    const moments = timeline(11, 1, 3);
    expect(moments.map((m) => m.frame)).toEqual([7, 8, 9, 10, 11, 12, 13, 14]);
    expect(moments.map((m) => m.step)).toEqual([-1, -1, -1, -1, -1, 0, 1, 2]);
  });

  it("keeps its pace where jumps are longer, and starts no earlier than the first frame", () => {
    expect(timeline(6, 3, 2).map((m) => m.frame)).toEqual([3, 6, 9, 12]);
    expect(timeline(1, 2, 1).map((m) => m.frame)).toEqual([1, 3]);
    expect(timeline(90, 1, 1)).toHaveLength(LEAD + 1);
  });
});

it("begins again after the last moment", () => {
  expect([following(0, 3), following(2, 3), following(0, 0)]).toEqual([1, 0, 0]);
});

it("goes back too, and from the first moment to the last", () => {
  expect([following(2, 3, -1), following(0, 3, -1), following(0, 0, -1)]).toEqual([1, 2, 0]);
});

it("says what a moment is, also beyond the end", () => {
  expect(describe({ frame: 9, step: -1 }, 10)).toBe("frame 9 · seen");
  expect(describe({ frame: 10, step: 0 }, 10)).toBe("frame 10 · step 1");
  expect(describe({ frame: 11, step: 1 }, 10)).toBe("frame 11 · step 2 · beyond the end");
});
