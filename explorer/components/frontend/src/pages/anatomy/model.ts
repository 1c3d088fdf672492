// Reads, rounds and compares what is shown; an edit from outside is made whole, never trusted.
import { MAX_TURN, MAX_TURNS } from "../../messages.gen";
import type { Edit } from "./types";

const DECIMALS = 1e4;
const DIMENSION = /^(0|[1-9]\d{0,4})$/;

export const roundTurn = (eps: number): number =>
  Math.max(-MAX_TURN, Math.min(MAX_TURN, Math.round(eps * DECIMALS) / DECIMALS)) || 0;

const isWhole = (value: unknown): value is number =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

/** Makes an edit of whatever came from outside; what does not hold takes its default. */
export function readEdit(value: unknown, count: number, latent: number): Edit {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const turn: Record<string, number> = {};
  const turns = given["turn"];
  if (typeof turns === "object" && turns !== null)
    for (const [name, eps] of Object.entries(turns).slice(0, MAX_TURNS))
      if (DIMENSION.test(name) && Number(name) < latent && Number.isFinite(eps))
        turn[name] = roundTurn(eps as number);
  return {
    item: isWhole(given["item"]) && given["item"] < count ? given["item"] : 0,
    draw: isWhole(given["draw"]) ? given["draw"] : null,
    turn,
  };
}

export const atMean = (edit: Edit): boolean =>
  edit.draw === null && Object.values(edit.turn).every((eps) => eps === 0);

export const sameEdit = (a: Edit, b: Edit): boolean =>
  a.item === b.item &&
  a.draw === b.draw &&
  Object.keys(a.turn).length === Object.keys(b.turn).length &&
  Object.entries(a.turn).every(([name, eps]) => b.turn[name] === eps);

export const copyEdit = (edit: Edit): Edit => ({ ...edit, turn: { ...edit.turn } });

/**
 * Sets eps in some dimensions.
 *
 * When more are set by hand than a message may hold, those that were set first go back.
 */
export function turned(edit: Edit, set: Record<string, number>): Edit {
  const turn = { ...edit.turn };
  for (const [name, eps] of Object.entries(set)) {
    delete turn[name];
    turn[name] = roundTurn(eps);
  }
  const names = Object.keys(turn);
  for (const name of names) {
    if (Object.keys(turn).length <= MAX_TURNS) break;
    if (!(name in set)) delete turn[name];
  }
  return { ...edit, turn };
}
