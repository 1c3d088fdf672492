// Reading a state from elsewhere, and what each step of a hand makes of it.
import { describe, expect, it } from "vitest";
import { MAX_DRIVES } from "../../../src/messages.gen";
import {
  copyState,
  driver,
  moved,
  pinned,
  readState,
  rounded,
  sameState,
  taken,
} from "../../../src/pages/compare/model";
import type { State } from "../../../src/pages/compare/types";

const plain: State = { item: 3, drives: [], selection: null };
const triangle = { by: 1, corners: [0, 0, 1, 0, 0, 1] };

describe("readState", () => {
  it("takes over what holds", () => {
    const state = { item: 7, drives: [{ by: 1, x: 0.5, y: -2 }], selection: triangle };
    expect(readState(state, 2, 10)).toEqual(state);
  });

  it.each([
    [null],
    ["x"],
    [{ item: -1 }],
    [{ item: 10 }],
    [{ item: 1.5 }],
    [{ drives: [{ by: 2, x: 0, y: 0 }] }],
    [{ drives: [{ by: 0, x: Number.NaN, y: 0 }] }],
    [{ drives: [{ by: 0, x: 2e6, y: 0 }] }],
    [{ drives: "many" }],
    [{ selection: { by: 0, corners: [0, 0, 1, 1] } }],
    [{ selection: { by: 0, corners: [0, 0, 1, 1, 2] } }],
    [{ selection: { by: 5, corners: [0, 0, 1, 0, 0, 1] } }],
    [{ selection: { by: 0, corners: Array(66).fill(0) } }],
  ])("leaves out what does not: %j", (value) => {
    expect(readState(value, 2, 10)).toEqual({ item: 0, drives: [], selection: null });
  });

  it("keeps no chain with a hole in it", () => {
    const drives = [{ by: 0, x: 0, y: 0 }, null, { by: 1, x: 0, y: 0 }];
    expect(readState({ item: 1, drives }, 2, 10).drives).toEqual([]);
  });
});

describe("a hand", () => {
  it("that takes a handle makes its model the driver, from where the handle stands", () => {
    const state = taken(plain, 1, 0.25, -1);
    expect(driver(plain)).toBeNull();
    expect(driver(state)).toBe(1);
    expect(state.drives).toEqual([{ by: 1, x: 0.25, y: -1 }]);
    expect(plain.drives).toEqual([]);
  });

  it("that takes the driver again goes on with it, another model is driven from there", () => {
    const first = moved(taken(plain, 1, 0, 0), 3, 4);
    expect(taken(first, 1, 9, 9)).toBe(first);
    expect(moved(taken(first, 0, 5, 5), 6, 7).drives).toEqual([
      { by: 1, x: 3, y: 4 },
      { by: 0, x: 6, y: 7 },
    ]);
  });

  it("leaves no more drives than the server takes, the latest ones", () => {
    let state = plain;
    for (let n = 0; n < MAX_DRIVES + 3; n++) state = taken(state, n % 2, n, n);
    expect(state.drives).toHaveLength(MAX_DRIVES);
    expect(state.drives.at(-1)).toEqual({ by: 0, x: MAX_DRIVES + 2, y: MAX_DRIVES + 2 });
  });

  it("that pins an item ends all drives and keeps the selection", () => {
    const state = { ...taken(plain, 0, 1, 1), selection: triangle };
    expect(pinned(state, 8)).toEqual({ item: 8, drives: [], selection: triangle });
  });

  it("moves nothing where nothing is driven", () => {
    expect(moved(plain, 1, 1)).toBe(plain);
  });
});

it("copies share nothing, and compare by what they say", () => {
  const state = { ...taken(plain, 0, 1, 1), selection: triangle };
  const copy = copyState(state);
  expect(sameState(copy, state)).toBe(true);
  copy.drives[0].x = 5;
  copy.selection?.corners.push(1);
  expect(state.drives[0].x).toBe(1);
  expect(state.selection.corners).toHaveLength(6);
  expect(sameState(copy, state)).toBe(false);
});

it("is told with six decimals", () => {
  const state = taken(plain, 0, 1 / 3, -2 / 3);
  expect(rounded(state).drives[0]).toEqual({ by: 0, x: 0.333333, y: -0.666667 });
  expect(state.drives[0].x).toBe(1 / 3);
});
