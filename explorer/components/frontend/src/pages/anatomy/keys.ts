// The anatomy's keyboard shortcuts.
import { HANDLE_KEYS, MAP_KEYS, type ShortcutGroup, shortcut } from "../../core/shortcuts";
import type { Actions } from "./actions";

/** `take` gives the focus to the handle. */
export function anatomyKeys(
  probabilistic: boolean,
  actions: Pick<Actions, "toMean" | "newDraw">,
  take: () => void,
): ShortcutGroup[] {
  const mean = probabilistic ? "Back to the mean" : "Back to its own code";
  const shortcuts = [
    shortcut("z", "Take the handle z", take),
    ...HANDLE_KEYS,
    shortcut("m", mean, () => actions.toMean()),
  ];
  if (probabilistic) shortcuts.push(shortcut("d", "New draw of ε", () => actions.newDraw()));
  return [{ title: "Code", shortcuts }, MAP_KEYS];
}
