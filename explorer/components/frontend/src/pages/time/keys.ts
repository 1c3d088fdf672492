// The Time page's keyboard shortcuts.
import { keyHint, type ShortcutGroup, shortcut } from "../../core/shortcuts";

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
      shortcut("ArrowRight", "One more", () => on.see(1), true),
      shortcut("ArrowLeft", "One less", () => on.see(-1), true),
      keyHint("Page ↑ / Page ↓", "Five more, five less, with the playhead in focus"),
      keyHint("Home / End", "The first, all of them"),
      keyHint("Esc", "While dragging: put it back"),
      shortcut("h", "Hide what is to come", () => on.hide()),
    ],
  },
  {
    title: "Imagined futures",
    shortcuts: [
      shortcut(" ", "Play, pause", () => on.play()),
      shortcut(".", "A moment on", () => on.step(1), true),
      shortcut(",", "A moment back", () => on.step(-1), true),
      shortcut("n", "New draw", () => on.newDraw()),
    ],
  },
];
