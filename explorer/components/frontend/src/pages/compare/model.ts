// The comparison's state: reading it from elsewhere, and every step that a person can take.
import { MAX_CORNERS, MAX_DRIVES, MAX_PLACE, MIN_CORNERS } from "../../messages.gen";
import type { Drive, Selection, State } from "./types";

const DECIMALS = 6;

const whole = (value: unknown, below: number): value is number =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) < below;
const place = (value: unknown): value is number =>
  typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= MAX_PLACE;

function readDrive(value: unknown, models: number): Drive | null {
  const { by, x, y } = (value ?? {}) as Record<string, unknown>;
  return whole(by, models) && place(x) && place(y) ? { by, x, y } : null;
}

function readSelection(value: unknown, models: number): Selection | null {
  const { by, corners } = (value ?? {}) as Record<string, unknown>;
  if (!whole(by, models) || !Array.isArray(corners) || !corners.every(place)) return null;
  const fits =
    corners.length >= 2 * MIN_CORNERS &&
    corners.length <= 2 * MAX_CORNERS &&
    corners.length % 2 === 0;
  return fits ? { by, corners: [...corners] } : null;
}

/** A state from what Python sent; what does not hold is left out. */
export function readState(value: unknown, models: number, count: number): State {
  const given = (value ?? {}) as Record<string, unknown>;
  const drives = Array.isArray(given["drives"]) ? given["drives"] : [];
  const read = drives.slice(0, MAX_DRIVES).map((drive) => readDrive(drive, models));
  return {
    item: whole(given["item"], count) ? given["item"] : 0,
    drives: read.every((drive) => drive !== null) ? read : [],
    selection: readSelection(given["selection"], models),
  };
}

export const copyState = (state: State): State => ({
  item: state.item,
  drives: state.drives.map((drive) => ({ ...drive })),
  selection: state.selection && { ...state.selection, corners: [...state.selection.corners] },
});

export const sameState = (a: State, b: State): boolean => JSON.stringify(a) === JSON.stringify(b);

/** All models on one item. */
export const pinned = (state: State, item: number): State => ({ ...state, item, drives: [] });

/** The model whose handle was moved last; null where all stand on the item. */
export const driver = (state: State): number | null => state.drives.at(-1)?.by ?? null;

/**
 * A model's handle is taken where it stands: from here on it drives.
 *
 * Taken again, it goes on from its former drive. When there are too many the first is forgotten.
 */
export function taken(state: State, by: number, x: number, y: number): State {
  if (driver(state) === by) return state;
  const drives = [...state.drives, { by, x, y }];
  return { ...state, drives: drives.slice(-MAX_DRIVES) };
}

/** The driver's handle goes to another place. */
export function moved(state: State, x: number, y: number): State {
  const last = state.drives.at(-1);
  if (!last) return state;
  return { ...state, drives: [...state.drives.slice(0, -1), { ...last, x, y }] };
}

/** A number as the address keeps it. */
export const round = (value: number): number => Number(value.toFixed(DECIMALS));

/** A state as it is told to Streamlit, no longer than it needs to be. */
export function rounded(state: State): State {
  const copy = copyState(state);
  for (const drive of copy.drives) {
    drive.x = round(drive.x);
    drive.y = round(drive.y);
  }
  return copy;
}
