// Reads the theme that Streamlit sets as CSS variables, as numbers a canvas can use.
import type { Rgb, Tone } from "./map/colours";

export interface Theme {
  /** Behind the points. */
  map: Rgb;
  /** Points without a colour of their own. */
  plain: Rgb;
  missing: Rgb;
  tone: Tone;
}

let scratch: CanvasRenderingContext2D | null = null;

/** Any CSS colour as bytes: the browser resolves names, color-mix and wide gamuts. */
function resolve(colour: string): Rgb {
  scratch ??= document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  if (!scratch) return [128, 128, 128];
  scratch.clearRect(0, 0, 1, 1);
  scratch.fillStyle = colour;
  scratch.fillRect(0, 0, 1, 1);
  const [r, g, b] = scratch.getImageData(0, 0, 1, 1).data;
  return [r, g, b];
}

/** Reads the colours at an element of the stage; `probe` is a hidden child of it. */
export function readTheme(probe: HTMLElement): Theme {
  const read = (variable: string): Rgb => {
    probe.style.color = `var(${variable})`;
    return resolve(getComputedStyle(probe).color);
  };
  const map = read("--lx-map");
  const luma = 0.299 * map[0] + 0.587 * map[1] + 0.114 * map[2];
  return {
    map,
    plain: read("--lx-plain"),
    missing: read("--lx-missing"),
    tone: luma < 128 ? "dark" : "light",
  };
}

export const sameTheme = (a: Theme, b: Theme): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Tells the theme at an element now and whenever Streamlit, or high contrast, changes it; returns a function that stops. */
export function watchTheme(
  element: HTMLElement,
  probe: HTMLElement,
  changed: (theme: Theme) => void,
): () => void {
  let last: Theme | null = null;
  const look = () => {
    const theme = readTheme(probe);
    if (last && sameTheme(theme, last)) return;
    last = theme;
    element.dataset["tone"] = theme.tone;
    changed(theme);
  };
  const observer = new MutationObserver(look);
  const options = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
  // Streamlit sets its variables on an ancestor, by a class that changes with the theme.
  for (let node = element.parentElement; node; node = node.parentElement)
    observer.observe(node, options);
  const forced = matchMedia("(forced-colors: active)");
  forced.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    forced.removeEventListener("change", look);
  };
}
