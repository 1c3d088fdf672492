// Small helpers to make elements, icons and segmented choices.

type Child = Node | string | null;

/** Makes an element; `class` names get the product's prefix. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class")
      element.className = value
        .split(" ")
        .map((c) => `lx-${c}`)
        .join(" ");
    else element.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const ICONS = {
  undo: "M6 3 2.5 6.5 6 10M3 6.5h6a4 4 0 0 1 0 8H6.5",
  redo: "M10 3l3.5 3.5L10 10M13 6.5H7a4 4 0 0 0 0 8h2.5",
  swap: "M3 5.5h9.5M10 2.5l3 3-3 3M13 11H3.5M6 8l-3 3 3 3",
  reset: "M3 8a5 5 0 1 0 1.6-3.7M3 2.5v3h3",
  plus: "M8 3.5v9M3.5 8h9",
  minus: "M3.5 8h9",
  fit: "M3 6V3h3M10 3h3v3M13 10v3h-3M6 13H3v-3",
  move: "M8 2v12M2 8h12M6 4l2-2 2 2M6 12l2 2 2-2M4 6 2 8l2 2M12 6l2 2-2 2",
  previous: "M9.5 3.5 5 8l4.5 4.5",
  next: "M6.5 3.5 11 8l-4.5 4.5",
  close: "M4.5 4.5l7 7M11.5 4.5l-7 7",
  info: "M8 7.2v4M8 4.6v.3M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0Z",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5l3 3",
} as const;

export type Icon = keyof typeof ICONS;

export function icon(name: Icon): SVGSVGElement {
  const image = svg("svg", { viewBox: "0 0 16 16", class: "lx-icon", "aria-hidden": "true" });
  image.append(svg("path", { d: ICONS[name] }));
  return image;
}

export function iconButton(name: Icon, label: string, click: () => void): HTMLButtonElement {
  const button = h(
    "button",
    { type: "button", class: "button icon-button", "aria-label": label, title: label },
    icon(name),
  );
  button.addEventListener("click", click);
  return button;
}

export interface Choice<T extends string> {
  readonly element: HTMLElement;
  set(value: T): void;
}

let choices = 0;
/** Several bundles stand on one page: their choices must not share a name, or one would uncheck another's. */
const bundle = Math.random().toString(36).slice(2, 10);

/** A segmented control: radio buttons that look like one. */
export function segmented<T extends string>(
  label: string,
  options: readonly (readonly [value: T, text: string])[],
  change: (value: T) => void,
): Choice<T> {
  const name = `lx-choice-${bundle}-${choices++}`;
  const inputs = new Map<T, HTMLInputElement>();
  const element = h("div", { class: "segmented", role: "radiogroup", "aria-label": label });
  for (const [value, text] of options) {
    const input = h("input", { type: "radio", name, value });
    input.addEventListener("change", () => change(value));
    inputs.set(value, input);
    element.append(h("label", { class: "segment" }, input, h("span", {}, text)));
  }
  return {
    element,
    set(value) {
      const input = inputs.get(value);
      if (input && !input.checked) input.checked = true;
    },
  };
}

/** A control with its name before it, and an explanation on hover and focus. */
export function field(name: string, control: HTMLElement, explanation?: string): HTMLElement {
  const element = h("div", { class: "field" }, h("span", { class: "field-name" }, name));
  if (explanation) {
    const tip = h("button", { type: "button", class: "tip", "aria-label": explanation });
    tip.append(icon("info"), h("span", { class: "tip-text", role: "tooltip" }, explanation));
    element.append(tip);
  }
  element.append(control);
  return element;
}

/** Sets a text only when it differs: most frames of a drag change nothing. */
export function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export const prefersStill = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

const EDITABLE =
  "input:not([type=range], [type=radio], [type=checkbox], [type=button]), textarea, [contenteditable]";

/** Whether a key press belongs to a text that is being edited. */
export const isTyping = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches(EDITABLE);
