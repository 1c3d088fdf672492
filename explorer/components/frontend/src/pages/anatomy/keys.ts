// The anatomy's keyboard shortcuts.
import { HANDLE_KEYS, heard, MAP_KEYS, type ShortcutGroup } from "../../core/shortcuts";
import type { Actions } from "./actions";

/** `take` gives the focus to the handle. */
export function anatomyKeys(
  probabilistic: boolean,
  actions: Pick<Actions, "toMean" | "newDraw">,
  take: () => void,
): ShortcutGroup[] {
  const mean = probabilistic ? "Back to the mean" : "Back to its own code";
  const shortcuts = [
    heard("z", "Take the handle z", take),
    ...HANDLE_KEYS,
    heard("m", mean, () => actions.toMean()),
  ];
  if (probabilistic) shortcuts.push(heard("d", "New draw of ε", () => actions.newDraw()));
  return [{ title: "Code", shortcuts }, MAP_KEYS];
}
