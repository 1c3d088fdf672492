// The code grid's keyboard shortcuts.
import { ARROW_KEYS, keyHint, type ShortcutGroup, shortcut } from "../../core/shortcuts";
import { BRUSHES, type Brush } from "./grids";
import type { Ink } from "./painter";

export interface KeyEvents {
  take(): void;
  brush(brush: Brush): void;
  ink(ink: Ink): void;
  walk(by: -1 | 1): void;
}

export const codesKeys = (on: KeyEvents): ShortcutGroup[] => [
  {
    title: "Painting",
    shortcuts: [
      shortcut("g", "Take the grid", () => on.take()),
      keyHint(ARROW_KEYS, "Go over the grid, with Shift painting"),
      keyHint("Space / Enter", "Paint the place"),
      keyHint("C", "Pick the place's code"),
      keyHint("Alt + click", "Pick a code from the picture"),
      keyHint("Esc", "While painting: give up the stroke"),
    ],
  },
  {
    title: "Brush",
    shortcuts: [
      ...BRUSHES.map((size) => shortcut(String(size), `${size}×${size}`, () => on.brush(size))),
      shortcut("a", "Paint with A's own codes", () => on.ink("a")),
      shortcut("b", "Paint with B's codes", () => on.ink("b")),
    ],
  },
  {
    title: "Codebook",
    shortcuts: [
      keyHint(ARROW_KEYS, "Go from code to code, with the codebook in focus"),
      keyHint("Space / Enter", "Paint with the code"),
    ],
  },
  {
    title: "Walk from A to B",
    shortcuts: [
      shortcut(".", "A step on", () => on.walk(1), true),
      shortcut(",", "A step back", () => on.walk(-1), true),
    ],
  },
];
