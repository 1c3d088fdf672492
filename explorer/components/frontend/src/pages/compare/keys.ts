// The comparison's keyboard shortcuts.
import { HANDLE_KEYS, keyHint, MAP_KEYS, type ShortcutGroup, shortcut } from "../../core/shortcuts";
import type { Tool } from "../../map/brush";
import { type Column, letter } from "./column";

export interface KeyEvents {
  step(by: number): void;
  use(tool: Tool): void;
}

export const compareKeys = (columns: readonly Column[], on: KeyEvents): ShortcutGroup[] => [
  {
    title: "Handles",
    shortcuts: [
      ...columns.map(({ knob }, number) => {
        const name = letter(number);
        const take = () => knob.element.focus({ preventScroll: true });
        return shortcut(name.toLowerCase(), `Take the handle of ${name}`, take);
      }),
      ...HANDLE_KEYS,
    ],
  },
  {
    title: "Image",
    shortcuts: [
      shortcut("n", "Next item", () => on.step(1), true),
      shortcut("p", "Previous item", () => on.step(-1), true),
    ],
  },
  {
    title: "Selecting",
    shortcuts: [
      shortcut("m", "Move the maps", () => on.use("move")),
      shortcut("x", "Rectangle", () => on.use("rectangle")),
      shortcut("l", "Lasso", () => on.use("lasso")),
      keyHint("Esc", "Clear the selection"),
    ],
  },
  MAP_KEYS,
];
