// What is shown: read from outside, and what must be asked anew where it changes.
import { describe, expect, it } from "vitest";
import { readEdit, sameEdit, wants, within } from "../../../src/pages/time/model";

const LIMITS = { sequences: 300, length: 10, longest: 4 };
const EDIT = { sequence: 12, seen: 4, jump: 3, samples: 5, seed: 2, by: 2, steps: 6 };

describe("readEdit", () => {
  it("keeps what holds", () => {
    expect(readEdit(EDIT, LIMITS)).toEqual(EDIT);
  });

  it("gives the usual value for what does not", () => {
    const bad = { sequence: 300, seen: 0, jump: 5, samples: "5", seed: -1, by: 1.5, steps: 41 };
    const usual = { sequence: 0, seen: 5, jump: 1, samples: 6, seed: 0, by: 1, steps: 10 };
    expect(readEdit(bad, LIMITS)).toEqual(usual);
    expect(readEdit(null, LIMITS)).toEqual(usual);
    expect(readEdit("seen", LIMITS)).toEqual(usual);
  });
});

describe("wants", () => {
  it("asks for nothing that has not changed", () => {
    expect(wants(EDIT, { ...EDIT })).toEqual([]);
    expect(sameEdit(EDIT, { ...EDIT })).toBe(true);
    expect(sameEdit(EDIT, { ...EDIT, by: 1 })).toBe(false);
  });

  it("asks for what depends on the change, and only that", () => {
    expect(wants(EDIT, { ...EDIT, jump: 4 })).toEqual(["jump"]);
    expect(wants(EDIT, { ...EDIT, steps: 9 })).toEqual(["future"]);
    expect(wants(EDIT, { ...EDIT, by: 1 })).toEqual(["future"]);
    expect(wants(EDIT, { ...EDIT, seen: 5 })).toEqual(["belief", "jump", "future"]);
    expect(wants(EDIT, { ...EDIT, sequence: 5 })).toEqual(["frames", "belief", "jump", "future"]);
    expect(wants(EDIT, { ...EDIT, seed: 5 })).toEqual(["frames", "belief", "jump", "future"]);
  });
});

it("rounds into bounds", () => {
  expect([within(2.6, 1, 9), within(-4, 1, 9), within(40, 1, 9)]).toEqual([3, 1, 9]);
});
