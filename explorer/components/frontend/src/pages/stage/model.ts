// Reads, copies, rounds and compares edits; an edit from outside is made whole, never trusted.

import type { Point } from "../../map/viewport";
import { MAX_FRAMES, MAX_SLIDER, MAX_SLIDERS, MIN_FRAMES } from "../../messages.gen";
import type { Edit, Handle, HandleName, OwnInfo } from "../../types";

const DECIMALS = 1e6;

type Fields = Record<string, unknown>;

const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readSliders(value: unknown, slugs: ReadonlySet<string>): Record<string, number> {
  const sliders: Record<string, number> = {};
  if (!isRecord(value)) return sliders;
  let kept = 0;
  for (const [slug, s] of Object.entries(value)) {
    if (kept >= MAX_SLIDERS || !slugs.has(slug)) continue;
    if (typeof s !== "number" || !Number.isFinite(s) || s === 0) continue;
    sliders[slug] = Math.min(MAX_SLIDER, Math.max(-MAX_SLIDER, s));
    kept += 1;
  }
  return sliders;
}

function readHandle(
  value: unknown,
  fallback: number,
  isItem: (item: number) => boolean,
  slugs: ReadonlySet<string>,
) {
  const given = isRecord(value) ? value : {};
  const item = given["item"];
  const known = typeof item === "number" && Number.isInteger(item) && isItem(item);
  const place = (v: unknown) => (known && typeof v === "number" && Number.isFinite(v) ? v : NaN);
  return {
    item: known ? item : fallback,
    x: place(given["x"]),
    y: place(given["y"]),
    sliders: readSliders(given["sliders"], slugs),
  };
}

/**
 * Makes an edit of whatever came from outside.
 *
 * A missing or impossible field takes its default. A handle without a usable place has NaN for x
 * and y, which `settle` replaces by its item's place once the map is known.
 */
export function readEdit(
  value: unknown,
  count: number,
  slugs: Iterable<string>,
  levels = 0,
  own: readonly OwnInfo[] = [],
): Edit {
  const isItem = (item: number) =>
    (item >= 0 && item < count) || own.some((picture) => picture.item === item);
  const given = isRecord(value) ? value : {};
  const known = new Set(slugs);
  const frames = given["frames"];
  const wanted = typeof frames === "number" && Number.isFinite(frames) ? Math.round(frames) : 0;
  const level = given["level"];
  const there = typeof level === "number" && Number.isInteger(level) && level > 0;
  return {
    A: readHandle(given["A"], 0, isItem, known),
    B: readHandle(given["B"], Math.max(0, Math.min(1, count - 1)), isItem, known),
    target: given["target"] === "A" || given["target"] === "B" ? given["target"] : "both",
    path: given["path"] === "great-circle" ? "great-circle" : "straight",
    frames: wanted < 1 ? 0 : Math.min(MAX_FRAMES, Math.max(MIN_FRAMES, wanted)),
    residual: given["residual"] === "fade" ? "fade" : "hold",
    level: there && level <= levels ? level : 0,
  };
}

/** Where items stand on a map, exactly as the server holds it (float32), own pictures among them. */
export class Places {
  private readonly own: ReadonlyMap<number, Point>;

  constructor(
    private readonly xy: Float32Array,
    own: readonly OwnInfo[] = [],
  ) {
    this.own = new Map(own.map(({ item, x, y }) => [item, [x, y]]));
  }

  /** Undefined where there is no such item. */
  of(item: number): Point | undefined {
    if (item >= 0 && 2 * item < this.xy.length) return [this.xy[2 * item], this.xy[2 * item + 1]];
    return this.own.get(item);
  }
}

/**
 * Puts a handle that has no place, or one that rounding has moved off its item, exactly on it.
 *
 * The edit in the address bar has six decimals; a handle that has not moved must still give back
 * exactly its own latent vector.
 */
export function settle(handle: Handle, places: Places): Handle {
  const home = places.of(handle.item);
  if (!home) return handle;
  const [x, y] = home;
  const close = Math.abs(handle.x - x) <= 1 / DECIMALS && Math.abs(handle.y - y) <= 1 / DECIMALS;
  const nowhere = !Number.isFinite(handle.x) || !Number.isFinite(handle.y);
  return close || nowhere ? { ...handle, x, y } : handle;
}

/** Puts both handles back on their items, for a map on which their places mean nothing. */
export function rehome(edit: Edit, places: Places): Edit {
  const onItem = (handle: Handle): Handle => {
    const home = places.of(handle.item);
    return home ? { ...handle, x: home[0], y: home[1] } : handle;
  };
  return { ...edit, A: onItem(edit.A), B: onItem(edit.B) };
}

const copyHandle = (handle: Handle): Handle => ({ ...handle, sliders: { ...handle.sliders } });

export const copyEdit = (edit: Edit): Edit => ({
  ...edit,
  A: copyHandle(edit.A),
  B: copyHandle(edit.B),
});

/** To six decimals: as precise as Python and the address bar get it, so that both show the same. */
export const round = (value: number): number => Math.round(value * DECIMALS) / DECIMALS;

function roundHandle(handle: Handle): Handle {
  const sliders: Record<string, number> = {};
  for (const slug of Object.keys(handle.sliders).sort()) {
    const s = round(handle.sliders[slug]);
    if (s !== 0) sliders[slug] = s;
  }
  return { item: handle.item, x: round(handle.x), y: round(handle.y), sliders };
}

/** The edit as Python gets it: six decimals, sliders at rest left out, in a fixed order. */
export const roundEdit = (edit: Edit): Edit => ({
  A: roundHandle(edit.A),
  B: roundHandle(edit.B),
  target: edit.target,
  path: edit.path,
  frames: edit.frames,
  residual: edit.residual,
  level: edit.level,
});

/** Whether two edits would look the same to Python. */
export const sameEdit = (a: Edit, b: Edit): boolean =>
  JSON.stringify(roundEdit(a)) === JSON.stringify(roundEdit(b));

/** The handles that a slider acts on. */
export const targets = (edit: Edit): HandleName[] =>
  edit.target === "both" ? ["A", "B"] : [edit.target];
