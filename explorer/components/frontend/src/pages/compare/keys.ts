// The comparison's keyboard shortcuts.
import { HANDLE_KEYS, heard, MAP_KEYS, type ShortcutGroup, told } from "../../core/shortcuts";
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
        return heard(name.toLowerCase(), `Take the handle of ${name}`, take);
      }),
      ...HANDLE_KEYS,
    ],
  },
  {
    title: "Image",
    shortcuts: [
      heard("n", "Next item", () => on.step(1), true),
      heard("p", "Previous item", () => on.step(-1), true),
    ],
  },
  {
    title: "Selecting",
    shortcuts: [
      heard("m", "Move the maps", () => on.use("move")),
      heard("x", "Rectangle", () => on.use("rectangle")),
      heard("l", "Lasso", () => on.use("lasso")),
      told("Esc", "Clear the selection"),
    ],
  },
  MAP_KEYS,
];
