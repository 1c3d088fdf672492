// What the Time page says of an edit, in words.
import type { Draws } from "./draws";
import type { Edit } from "./types";

/** Says what the draws of the belief and those one jump ahead are. */
export function sayDraws(belief: Draws, jumped: Draws, { seen, jump }: Edit, length: number): void {
  belief.say(
    `Believed after frame ${seen}`,
    "Each picture is a state the model thinks possible now, decoded. Average and spread are over 32 draws.",
  );
  const to = seen + jump;
  jumped.say(
    `${jump} ${jump === 1 ? "frame" : "frames"} ahead: frame ${to}`,
    to > length
      ? `The sequence ends with frame ${length}: there is no true frame ${to}.`
      : "The states on the left, each moved ahead in time. Average and spread are over 32 draws.",
  );
}

/** What a screen reader hears after a change. */
export const announced = ({ seen, jump }: Edit, length: number): string =>
  `${seen} of ${length} frames seen; a jump of ${jump} shows frame ${seen + jump}`;
