// The stage's keyboard shortcuts.
import { HANDLE_KEYS, keyHint, MAP_KEYS, type ShortcutGroup, shortcut } from "../../core/shortcuts";
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
      shortcut("a", "Take handle A", () => on.take("A")),
      shortcut("b", "Take handle B", () => on.take("B")),
      shortcut("s", "Swap A and B", () => on.swap()),
      shortcut("o", "Hold: show the images that A and B come from", () => on.hold()),
      ...HANDLE_KEYS,
    ],
  },
  {
    title: "Sliders and filmstrip",
    shortcuts: [
      keyHint("Enter / 0–9", "On a slider: type its value"),
      keyHint("← / →", "In the filmstrip: go through the pictures"),
      keyHint("Enter", "In the filmstrip: put the active handle on the picture"),
    ],
  },
  {
    title: "Selecting",
    shortcuts: [
      shortcut("m", "Move the map", () => on.use("move")),
      shortcut("x", "Box", () => on.use("rectangle")),
      shortcut("l", "Lasso", () => on.use("lasso")),
      keyHint("Shift / Alt", "While drawing: add, take away"),
      keyHint("Esc", "Clear the selection"),
    ],
  },
  MAP_KEYS,
];
