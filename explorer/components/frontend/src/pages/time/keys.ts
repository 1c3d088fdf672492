// The Time page's keyboard shortcuts.
import { heard, type ShortcutGroup, told } from "../../core/shortcuts";

export interface KeyEvents {
  see(by: number): void;
  hide(): void;
  play(): void;
  step(by: -1 | 1): void;
  newDraw(): void;
}

export const timeKeys = (on: KeyEvents): ShortcutGroup[] => [
  {
    title: "Frames seen",
    shortcuts: [
      heard("ArrowRight", "One more", () => on.see(1), true),
      heard("ArrowLeft", "One less", () => on.see(-1), true),
      told("Page ↑ / Page ↓", "Five more, five less, with the playhead in focus"),
      told("Home / End", "The first, all of them"),
      told("Esc", "While dragging: put it back"),
      heard("h", "Hide what is to come", () => on.hide()),
    ],
  },
  {
    title: "Imagined futures",
    shortcuts: [
      heard(" ", "Play, pause", () => on.play()),
      heard(".", "A moment on", () => on.step(1), true),
      heard(",", "A moment back", () => on.step(-1), true),
      heard("n", "New draw", () => on.newDraw()),
    ],
  },
];
