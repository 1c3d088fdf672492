// The code grid's keyboard shortcuts.
import { ARROW_KEYS, heard, type ShortcutGroup, told } from "../../core/shortcuts";
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
      heard("g", "Take the grid", () => on.take()),
      told(ARROW_KEYS, "Go over the grid, with Shift painting"),
      told("Space / Enter", "Paint the place"),
      told("C", "Pick the place's code"),
      told("Alt + click", "Pick a code from the picture"),
      told("Esc", "While painting: give up the stroke"),
    ],
  },
  {
    title: "Brush",
    shortcuts: [
      ...BRUSHES.map((size) => heard(String(size), `${size}×${size}`, () => on.brush(size))),
      heard("a", "Paint with A's own codes", () => on.ink("a")),
      heard("b", "Paint with B's codes", () => on.ink("b")),
    ],
  },
  {
    title: "Codebook",
    shortcuts: [
      told(ARROW_KEYS, "Go from code to code, with the codebook in focus"),
      told("Space / Enter", "Paint with the code"),
    ],
  },
  {
    title: "Walk from A to B",
    shortcuts: [
      heard(".", "A step on", () => on.walk(1), true),
      heard(",", "A step back", () => on.walk(-1), true),
    ],
  },
];
