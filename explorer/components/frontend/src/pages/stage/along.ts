// What a slider's track shows: how far off the data it leads, where the picture stands, where the images end.

import { parseJson } from "../../core/codec";
import { type Fields, fail, finite, listOf, mapOf, object } from "../../core/readers";
import { ordinal, verdict } from "../../gauge";
import type { Edit, HandleName } from "../../types";
import { HANDLE_NAMES } from "../../types";
import { RestingLoader } from "./resting";

/** After the last frame, before the server is asked: some thousand distances take longer than a frame may. */
const REST_MS = 250;
const AT_MOST = 64;
/** How far beyond an end a pointer still sticks to it, in slider units. */
export const STICK = 0.3;

/** One direction from where the handles stand; positions are counted from the mean of all images. */
export interface Along {
  /** Percentile of the gauge at each of the steps; empty where the model has no gauge. */
  off: number[];
  /** Between these lie the positions of 99 % of the images. */
  low: number;
  high: number;
  /** Of each handle's picture, with its percentile among the images and the slider as it was. */
  at: Partial<Record<HandleName, { position: number; rank: number; slider: number }>>;
}

export interface Tracks {
  /** Slider values, ascending. */
  steps: number[];
  directions: ReadonlyMap<string, Along>;
}

/** Reads the server's answer about an edit. Raises WireError where it breaks a rule. */
export function parseTracks(text: string, edit: Edit, names: readonly HandleName[]): Tracks {
  const fields = parseJson(text);
  const steps = listOf(finite)(fields["steps"], "steps");
  const given = mapOf(object)(fields["directions"], "directions");
  if (steps.length > AT_MOST || Object.keys(given).length > AT_MOST) fail("it is too long");
  const directions = new Map<string, Along>();
  for (const [slug, one] of Object.entries(given)) {
    const position = object(one["position"], "position");
    const rank = object(one["rank"], "rank");
    const at: Along["at"] = {};
    for (const name of names)
      at[name] = {
        position: finite(position[name], "position"),
        rank: finite(rank[name], "rank"),
        slider: edit[name].sliders[slug] ?? 0,
      };
    directions.set(slug, {
      off: gauged(one, steps.length),
      low: finite(one["low"], "low"),
      high: finite(one["high"], "high"),
      at,
    });
  }
  return { steps, directions };
}

/** The gauge's readings along a direction: one at each step, or none. */
function gauged({ off }: Fields, count: number): number[] {
  return Array.isArray(off) && off.length === 0 ? [] : listOf(finite, count)(off, "off");
}

const wanted = (edit: Edit): HandleName[] =>
  edit.target === "both" ? [...HANDLE_NAMES] : [edit.target];

export class TrackLoader extends RestingLoader<Tracks> {
  constructor(show: (tracks: Tracks) => void, failed: (reason: string) => void) {
    super(REST_MS, wanted, (text, edit) => parseTracks(text, edit, wanted(edit)), show, failed);
  }
}

export type Ends = readonly [low: number, high: number];

/** The slider values at which the pictures reach the ends of the images; of two handles the nearer ones. */
export function endsOf({ low, high, at }: Along): Ends {
  let ends: [number, number] = [-Infinity, Infinity];
  for (const { position, slider } of Object.values(at)) {
    const lowest = Math.ceil(100 * (slider + low - position)) / 100;
    const highest = Math.floor(100 * (slider + high - position)) / 100;
    ends = [Math.max(ends[0], lowest), Math.min(ends[1], highest)];
  }
  return ends[0] <= ends[1] ? ends : [-Infinity, Infinity];
}

/** Where a pointer's value comes to rest: it sticks to an end until it is well beyond. */
export function stick(value: number, [low, high]: Ends): number {
  if (value > high && value < high + STICK) return high;
  if (value < low && value > low - STICK) return low;
  return value;
}

/** Where a key's step comes to rest: it stops at an end once; the next step goes on. */
export function stopAt(before: number, value: number, [low, high]: Ends): number {
  if (before < high && value > high) return high;
  if (before > low && value < low) return low;
  return value;
}

/** A picture's position after its slider has moved since the server was asked. */
export const positionNow = (along: Along, name: HandleName, slider: number): number | undefined => {
  const at = along.at[name];
  return at && at.position + slider - at.slider;
};

const COLOURS = { "near the data": "good", unusual: "warn", "off the data": "bad" } as const;

/** The track's colours as a CSS gradient over a slider from -range to range; "none" without a gauge. */
export function trackColours({ steps }: Tracks, { off }: Along, range: number): string {
  if (off.length === 0) return "none";
  const stops = steps.flatMap((step, i) => {
    const share = (step + range) / (2 * range);
    if (share < 0 || share > 1) return [];
    const place = `calc(var(--lx-thumb) / 2 + ${share.toFixed(4)} * (100% - var(--lx-thumb)))`;
    return [`var(--lx-track-${COLOURS[verdict(off[i])]}) ${place}`];
  });
  return `linear-gradient(to right, ${stops.join(", ")})`;
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

/** What a track shows, in words, for the names of the handles that its slider moves. */
export function describe(along: Along, values: Partial<Record<HandleName, number>>): string {
  const says: string[] = [];
  for (const name of HANDLE_NAMES) {
    const at = along.at[name];
    const slider = values[name];
    if (!at || slider === undefined) continue;
    const moved = slider !== at.slider;
    const rank = moved ? "" : `, ${ordinal(at.rank)} percentile of the images`;
    says.push(`${name} at ${signed(at.position + slider - at.slider)}${rank}`);
  }
  if (says.length === 0) return "";
  return (
    `Position along this direction, from the mean of all images: ${says.join("; ")}. ` +
    `99 % of the images lie between ${signed(along.low)} and ${signed(along.high)}.`
  );
}
