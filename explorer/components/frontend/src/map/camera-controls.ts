// What moves a map's camera besides the pointer: buttons, keys, and a screen with other pixels.
import { h, iconButton } from "../dom";

export interface CameraMoves {
  pan(dx: number, dy: number): void;
  /** About the middle of the screen. */
  zoom(factor: number): void;
  home(): void;
}

/** The buttons on the map; one lets a finger move the map instead of the page. */
export function cameraButtons(map: HTMLElement, on: CameraMoves): HTMLElement {
  const activate = iconButton("move", "Move the map with one finger", () => {
    const active = map.classList.toggle("lx-activated");
    activate.setAttribute("aria-pressed", String(active));
  });
  activate.classList.add("lx-activate");
  activate.setAttribute("aria-pressed", "false");
  return h(
    "div",
    { class: "map-tools", role: "group", "aria-label": "Zoom" },
    iconButton("plus", "Zoom in", () => on.zoom(1.6)),
    iconButton("minus", "Zoom out", () => on.zoom(1 / 1.6)),
    iconButton("fit", "Show the whole map", () => on.home()),
    activate,
  );
}

/** Moves the camera by a key that stands for a move; with Shift in small steps. */
export function cameraKey(event: KeyboardEvent, on: CameraMoves): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = event.shiftKey ? 10 : 60;
  const pans: Record<string, readonly [number, number]> = {
    ArrowLeft: [step, 0],
    ArrowRight: [-step, 0],
    ArrowUp: [0, step],
    ArrowDown: [0, -step],
  };
  const moved = pans[event.key];
  if (moved) on.pan(moved[0], moved[1]);
  else if (event.key === "+" || event.key === "=") on.zoom(1.3);
  else if (event.key === "-") on.zoom(1 / 1.3);
  else if (event.key === "0") on.home();
  else return;
  event.preventDefault();
}

/** Tells when the page comes onto a screen with other pixels; returns a function that stops. */
export function watchRatio(changed: () => void): () => void {
  let query: MediaQueryList;
  const arm = () => {
    query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    query.addEventListener("change", tell, { once: true });
  };
  const tell = () => {
    arm();
    changed();
  };
  arm();
  return () => query.removeEventListener("change", tell);
}
