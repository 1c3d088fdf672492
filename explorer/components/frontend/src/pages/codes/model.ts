// What is made of A on the Codes page, and what is said of a place or a code.
import type { Book } from "./book";
import { encode, type Grids, readEdit, sameGrids } from "./grids";
import type { GridData, LevelInfo, Release } from "./types";

/** What is shown: A's codes as they are painted, the level under the brush, and the step of the walk. */
export interface Edit {
  codes: Grids;
  level: number;
  t: number;
}

/** Grids are never changed in place. */
export const copyEdit = (edit: Edit): Edit => ({ ...edit });

export const sameCodes = (a: Edit, b: Edit): boolean => sameGrids(a.codes, b.codes);

export const sameEdit = (a: Edit, b: Edit): boolean =>
  a.level === b.level && a.t === b.t && sameCodes(a, b);

/** What Python says was made of A, whose own codes are `a`. */
export function editFrom({ edit, levels }: GridData, a: Grids): Edit {
  const { codes, level, t } = readEdit(edit, levels);
  return { codes: codes ?? a, level, t };
}

/** An edit as Python gets it; no codes where A is as it was. */
export const toldOf = (
  { codes, level, t }: Edit,
  a: Grids,
): Pick<Release, "codes" | "level" | "t"> => ({
  codes: sameGrids(codes, a) ? null : encode(codes),
  level,
  t,
});

/** Places of a level at which two pictures' codes differ. */
export function differing(codes: Grids, from: Grids, level: number): Set<number> {
  const places = new Set<number>();
  codes[level].forEach((code, place) => {
    if (code !== from[level][place]) places.add(place);
  });
  return places;
}

/** A name and a sentence about what is pointed at. */
export interface Info {
  name: string;
  text: string;
}

export const NOTHING: Info = {
  name: "Point at a place of the grid, or at a code.",
  text: "Drag to paint. Keys: arrows move, Space paints (with Shift while moving), 1 2 3 set the brush, C picks the code.",
};

function use(book: Book, code: number, codes: number): string {
  const uses = book.uses[code];
  if (uses === 0) return "no image of the atlas uses it";
  const share = ((100 * uses) / book.total).toPrecision(2);
  return (
    `used in ${uses.toLocaleString("en")} of ${book.total.toLocaleString("en")} places ` +
    `(${share} %), no. ${book.rank[code] + 1} of ${codes}`
  );
}

/** A code that is pointed at in the codebook. */
export function codeInfo(book: Book, level: LevelInfo, code: number, grid: Uint16Array): Info {
  const here = grid.reduce((sum, own) => sum + (own === code ? 1 : 0), 0);
  const used = use(book, code, level.codes);
  return { name: `Code ${code}`, text: `In ${here} of this picture's places; ${used}.` };
}

/** The code of a cell, with those that A and B have there. */
export function cellInfo(
  book: Book,
  level: LevelInfo,
  cell: number,
  code: number,
  others: readonly [a: number, b: number],
  single: boolean,
): Info {
  const row = Math.floor(cell / level.columns) + 1;
  const column = (cell % level.columns) + 1;
  const used = use(book, code, level.codes);
  return {
    name: `Code ${code} · ${single ? "" : `${level.name}, `}row ${row}, column ${column}`,
    text:
      `${used.charAt(0).toUpperCase()}${used.slice(1)}. A has ${others[0]} here, B ${others[1]}. ` +
      "The glow: the pixels that change with this code.",
  };
}
