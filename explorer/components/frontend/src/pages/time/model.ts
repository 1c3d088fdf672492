// Reads and compares what is shown; an edit from outside is made whole, never trusted.
import type { SequenceWant } from "../../messages.gen";
import { MAX_SAMPLES, MAX_SEED, MAX_STEPS } from "../../messages.gen";
import type { Edit, TimeData } from "./types";

type Bounds = Record<keyof Edit, readonly [low: number, high: number, usual: number]>;

/** Least, most and usual value of each part. */
export function bounds(data: Pick<TimeData, "sequences" | "length" | "longest">): Bounds {
  const { sequences, length, longest } = data;
  return {
    sequence: [0, Math.max(0, sequences - 1), 0],
    seen: [1, length, Math.ceil(length / 2)],
    jump: [1, longest, 1],
    samples: [1, MAX_SAMPLES, 6],
    seed: [0, MAX_SEED, 0],
    by: [1, longest, 1],
    steps: [1, MAX_STEPS, 10],
  };
}

/** Puts a number into its bounds, rounded. */
export const within = (value: number, low: number, high: number): number =>
  Math.max(low, Math.min(high, Math.round(value)));

/** Makes an edit of whatever came from outside; what does not hold takes its usual value. */
export function readEdit(value: unknown, data: Parameters<typeof bounds>[0]): Edit {
  const given = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const edit = {} as Edit;
  for (const [name, [low, high, usual]] of Object.entries(bounds(data))) {
    const own = given[name];
    const holds = Number.isSafeInteger(own) && (own as number) >= low && (own as number) <= high;
    edit[name as keyof Edit] = holds ? (own as number) : Math.min(high, usual);
  }
  return edit;
}

export const sameEdit = (a: Edit, b: Edit): boolean =>
  (Object.keys(a) as (keyof Edit)[]).every((name) => a[name] === b[name]);

export type Want = SequenceWant;

/** What must be asked anew where one edit has become another. */
export function wants(before: Edit, now: Edit): Want[] {
  const changed = (...names: (keyof Edit)[]) => names.some((name) => before[name] !== now[name]);
  const found: Want[] = [];
  if (changed("sequence", "seed")) found.push("frames");
  if (changed("sequence", "seed", "seen", "samples")) found.push("belief");
  if (changed("sequence", "seed", "seen", "samples", "jump")) found.push("jump");
  if (changed("sequence", "seed", "seen", "samples", "by", "steps")) found.push("future");
  return found;
}
