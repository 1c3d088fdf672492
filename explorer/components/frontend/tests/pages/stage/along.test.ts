// A track's ends, colours and words, where a pointer and a key come to rest, and an answer that is not trusted.
import { expect, it } from "vitest";
import {
  type Along,
  describe as describeAlong,
  endsOf,
  parseTracks,
  positionNow,
  STICK,
  stick,
  stopAt,
  trackColours,
} from "../../../src/pages/stage/along";
import { readValue } from "../../../src/pages/stage/values";
import type { Edit } from "../../../src/types";

const handle = { item: 0, x: 0, y: 0, sliders: {} };
const edit: Edit = {
  A: { ...handle, sliders: { smile: 0.5 } },
  B: handle,
  target: "both",
  path: "straight",
  frames: 5,
  residual: "hold",
  level: 0,
};
const one = {
  off: [99.5, 10, 95],
  low: -1,
  high: 2,
  position: { A: 0.25, B: -0.5 },
  rank: { A: 60, B: 20 },
};
const answer = (more: object = {}) =>
  JSON.stringify({ steps: [-3, 0, 3], directions: { smile: { ...one, ...more } } });
const tracks = parseTracks(answer(), edit, ["A", "B"]);
const along = tracks.directions.get("smile") as Along;

it("reads where each handle stood, with its slider as it was", () => {
  expect(along.at).toEqual({
    A: { position: 0.25, rank: 60, slider: 0.5 },
    B: { position: -0.5, rank: 20, slider: 0 },
  });
  expect(positionNow(along, "A", 1.5)).toBe(1.25);
});

it.each([
  "[]",
  '{"steps": [0], "directions": 3}',
  answer({ off: [1] }),
  answer({ low: "x" }),
  answer({ position: { A: 1 } }),
  answer({ rank: null }),
])("refuses %s", (text) => {
  expect(() => parseTracks(text, edit, ["A", "B"])).toThrow("not valid");
});

it("ends where the first of the handles leaves the images", () => {
  expect(endsOf(along)).toEqual([-0.5, 2.25]);
  expect(endsOf({ ...along, low: 5, high: 6, at: { ...along.at } })[0]).toBeGreaterThan(5);
  const apart = { A: { position: 9, rank: 1, slider: 0 }, B: { position: -9, rank: 1, slider: 0 } };
  expect(endsOf({ ...along, at: apart })).toEqual([-Infinity, Infinity]);
});

it("holds a pointer at an end until it is well beyond", () => {
  const ends = [-0.5, 2.25] as const;
  expect([2.2, 2.3, 2.25 + STICK, 3].map((value) => stick(value, ends))).toEqual([
    2.2, 2.25, 2.55, 3,
  ]);
  expect([-0.6, -0.8, -1].map((value) => stick(value, ends))).toEqual([-0.5, -0.8, -1]);
});

it("stops a key at an end once, and lets it go on", () => {
  const ends = [-0.5, 2.25] as const;
  expect(stopAt(2.2, 2.3, ends)).toBe(2.25);
  expect(stopAt(2.25, 2.35, ends)).toBe(2.35);
  expect(stopAt(2.35, 2.2, ends)).toBe(2.2);
  expect(stopAt(-0.45, -0.55, ends)).toBe(-0.5);
});

it("colours a track by the gauge's words", () => {
  const colours = trackColours(tracks, along, 3);
  expect(colours.match(/lx-track-(\w+)/g)).toEqual([
    "lx-track-bad",
    "lx-track-good",
    "lx-track-warn",
  ]);
  expect(trackColours(tracks, along, 2).match(/calc/g)?.length).toBe(1);
});

it("says where the pictures stand", () => {
  const says = describeAlong(along, { A: 0.5, B: 1 });
  expect(says).toContain("A at +0.25, 60th percentile of the images; B at +0.50.");
  expect(says).toContain("between −1.00 and +2.00");
  expect(describeAlong(along, {})).toBe("");
});

it.each([
  ["1.5", 1.5],
  [" −2 ", -2],
  ["+0,25", 0.25],
  [".5", 0.5],
  ["5", 5],
  ["5.01", null],
  ["", null],
  ["1e9", null],
  ["a", null],
  ["--1", null],
])("reads the typed value %j as %j", (text, value) => {
  expect(readValue(text)).toBe(value);
});
