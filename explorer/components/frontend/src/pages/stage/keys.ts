// The stage's keyboard shortcuts.
import { HANDLE_KEYS, heard, MAP_KEYS, type ShortcutGroup, told } from "../../core/shortcuts";
import type { Tool } from "../../map/brush";
import type { HandleName } from "../../types";

export interface KeyEvents {
  take(name: HandleName): void;
  swap(): void;
  hold(): void;
  use(tool: Tool): void;
}

export const stageKeys = (on: KeyEvents): ShortcutGroup[] => [
  {
    title: "Handles",
    shortcuts: [
      heard("a", "Take handle A", () => on.take("A")),
      heard("b", "Take handle B", () => on.take("B")),
      heard("s", "Swap A and B", () => on.swap()),
      heard("o", "Hold: show the images that A and B come from", () => on.hold()),
      ...HANDLE_KEYS,
    ],
  },
  {
    title: "Sliders and filmstrip",
    shortcuts: [
      told("Enter / 0–9", "On a slider: type its value"),
      told("← / →", "In the filmstrip: go through the pictures"),
      told("Enter", "In the filmstrip: put the active handle on the picture"),
    ],
  },
  {
    title: "Selecting",
    shortcuts: [
      heard("m", "Move the map", () => on.use("move")),
      heard("x", "Box", () => on.use("rectangle")),
      heard("l", "Lasso", () => on.use("lasso")),
      told("Shift / Alt", "While drawing: add, take away"),
      told("Esc", "Clear the selection"),
    ],
  },
  MAP_KEYS,
];
