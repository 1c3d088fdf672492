// Which frame is shown when: there and back, frames of a strip, and what is said of one.

/** The frame after some time of playing there and back. */
export function frameAt(beats: number, count: number): number {
  if (count < 2) return 0;
  const turn = 2 * (count - 1);
  const at = Math.floor(beats) % turn;
  return at < count ? at : turn - at;
}

/** Some frames for a strip: all, or `most` of them, evenly, both ends among them. */
export function stripFrames(count: number, most: number): number[] {
  const shown = Math.min(count, most);
  if (shown < 2) return count > 0 ? [0] : [];
  return Array.from({ length: shown }, (_, i) => Math.round((i * (count - 1)) / (shown - 1)));
}

/** What is said of a moment. */
export function describe(frame: number, count: number): string {
  const share = count > 1 ? Math.round((100 * frame) / (count - 1)) : 0;
  return `frame ${frame + 1} of ${count} · ${share} %`;
}
