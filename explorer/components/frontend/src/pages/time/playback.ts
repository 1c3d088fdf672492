// The timeline of an imagined future: a few frames that were seen, then a step a jump.

/** Seen frames that a future starts with. */
export const LEAD = 5;

export interface Moment {
  /** Number of the frame, from 1; it may lie beyond the end of the sequence. */
  frame: number;
  /** Which step of the future; -1 for a frame that was seen. */
  step: number;
}

/** Every moment of a future of `steps` jumps of `by` frames after `seen` frames. */
export function timeline(seen: number, by: number, steps: number): Moment[] {
  const lead: Moment[] = [];
  for (let frame = seen; frame >= 1 && lead.length < LEAD; frame -= by)
    lead.unshift({ frame, step: -1 });
  const ahead = Array.from({ length: steps }, (_, step) => ({
    frame: seen + by * (step + 1),
    step,
  }));
  return [...lead, ...ahead];
}

/** The moment after another, or before it; behind the last comes the first. */
export const following = (moment: number, count: number, by: -1 | 1 = 1): number =>
  count > 0 ? (moment + by + count) % count : 0;

/** What is said of a moment. */
export function describe(moment: Moment, length: number): string {
  if (moment.step < 0) return `frame ${moment.frame} · seen`;
  const beyond = moment.frame > length ? " · beyond the end" : "";
  return `frame ${moment.frame} · step ${moment.step + 1}${beyond}`;
}
