// Keyboard shortcuts of a page, and their overview on "?".
import { h, isTyping } from "../dom";
import { remember, remembered } from "../remembered";

export interface Shortcut {
  /** What is pressed, as `KeyboardEvent.key`; "" for a line of the overview alone. */
  key: string;
  /** How the overview shows it, e.g. "Ctrl + Z". */
  shown: string;
  says: string;
  run?(): void;
  /** Whether it runs again and again while the key is held down. */
  held?: boolean;
}

export interface ShortcutGroup {
  title: string;
  shortcuts: readonly Shortcut[];
}

export type Direction = "undo" | "redo";

/** What the parts of a page tell about their keys when an overview asks. */
interface Found {
  groups: ShortcutGroup[];
  travels: boolean;
}

const SHOWN: Record<string, string> = { " ": "Space", ArrowLeft: "←", ArrowRight: "→" };
const ASK = "lx-shortcuts";
export const ARROW_KEYS = "← / → / ↑ / ↓";

/** A key that acts wherever no control takes it for itself. */
export const shortcut = (key: string, says: string, run: () => void, held = false): Shortcut => ({
  key,
  shown: SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : key),
  says,
  run,
  held,
});

/** A line of the overview: a key that a part of the page handles itself. */
export const keyHint = (shown: string, says: string): Shortcut => ({ key: "", shown, says });

/** Keys of every handle. */
export const HANDLE_KEYS: readonly Shortcut[] = [
  keyHint(ARROW_KEYS, "Move the handle, with Shift in fine steps"),
  keyHint("Esc", "While dragging: put it back"),
];

/** What every map hears. */
export const MAP_KEYS: ShortcutGroup = {
  title: "Map",
  shortcuts: [
    keyHint("+ / −", "Zoom, with the map in focus"),
    keyHint("0", "Show the whole map"),
    keyHint(ARROW_KEYS, "Move it"),
  ],
};

const PRESSES = [" ", "Enter"];
const STEPS = [
  ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
  ...["Home", "End", "PageUp", "PageDown"],
];
/** Keys by which controls are worked while they have the focus. */
const TAKEN: readonly (readonly [controls: string, keys: readonly string[]])[] = [
  ["button, a, summary, input[type=checkbox], [role=button], [role=checkbox]", PRESSES],
  ["input[type=range], [role=slider]", STEPS],
  [
    "input[type=radio], canvas, [role=radio], [role=tab], [role=option], [role=group], [role=application]",
    [...PRESSES, ...STEPS],
  ],
];
/** Lists that go to an entry by its letters. */
const LISTS = "select, [role=combobox], [role=listbox], [role=menu]";

/** Whether a press is a shortcut's, not a text's, a control's or the browser's. */
export function isFree(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
  const { target } = event;
  if (!(target instanceof Element)) return true;
  if (isTyping(target) || target.closest(LISTS)) return false;
  return !TAKEN.some(([controls, keys]) => keys.includes(event.key) && target.matches(controls));
}

/** Whether a target is a list with a search text that is not open: it keeps the focus after a choice. */
const isClosedList = (target: EventTarget | null): boolean =>
  target instanceof Element && target.matches("[role=combobox][aria-expanded=false]");

/** Whether a press takes an edit back or makes it again; null for neither, or where a text has its own. */
export function directionOf(event: KeyboardEvent): Direction | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.defaultPrevented) return null;
  if (isTyping(event.target) && !isClosedList(event.target)) return null;
  const key = event.key.toLowerCase();
  if (key === "y") return "redo";
  return key === "z" ? (event.shiftKey ? "redo" : "undo") : null;
}

/** Groups of all parts of a page: those of one title together, and no line twice. */
export function merged(groups: readonly ShortcutGroup[]): ShortcutGroup[] {
  const found = new Map<string, Map<string, Shortcut>>();
  for (const { title, shortcuts } of groups) {
    const lines = found.get(title) ?? new Map<string, Shortcut>();
    found.set(title, lines);
    for (const shortcut of shortcuts) {
      const line = `${shortcut.shown} ${shortcut.says}`;
      if (!lines.has(line)) lines.set(line, shortcut);
    }
  }
  return [...found].map(([title, lines]) => ({ title, shortcuts: [...lines.values()] }));
}

/** Whether a key writes a character: speech input and slips of the hand press those as well. */
export const isCharacter = (key: string): boolean => key.length === 1 && key !== " ";

const SWITCH = "single-keys";
/** Whether single characters are shortcuts at all (WCAG 2.1.4). */
const characters = (): boolean => remembered(SWITCH, ["on", "off"], "on") === "on";

/** What every overview ends with. */
const general = (travels: boolean): ShortcutGroup => ({
  title: "General",
  shortcuts: [
    ...(travels ? [keyHint("Ctrl + Z", "Undo"), keyHint("Ctrl + Shift + Z", "Redo")] : []),
    keyHint("?", "This overview"),
  ],
});

/** Whether something lies over the page that takes the keys first. */
export const covered = (): boolean =>
  document.querySelector("dialog[open], [role=dialog], [data-baseweb=popover]") !== null;

/**
 * The keys of one part of a page, their overview, and the button that opens it.
 *
 * Single characters are heard only while the part has the focus, and not at all once they are
 * switched off in the overview; other keys are heard on the whole page.
 *
 * Parts of one page show one overview, whichever bundles they come from: the first one that hears
 * "?" asks the others for their keys.
 */
export class Shortcuts {
  readonly element = h("dialog", { class: "shortcuts", "aria-label": "Keyboard shortcuts" });
  readonly button = h(
    "button",
    { type: "button", class: "keys", "aria-label": "Keys: ?, keyboard shortcuts" },
    "Keys: ?",
  );
  private readonly listen = (event: KeyboardEvent) => this.press(event);
  private readonly answer = (event: Event) => {
    const { detail } = event as CustomEvent<Found>;
    detail.groups.push(...this.groups());
    detail.travels ||= this.travel !== undefined;
  };

  /**
   * Arguments:
   *   root: the part of the page; characters are heard while it has the focus.
   *   groups: gives the keys that are heard now; asked again at each press.
   *   travel: takes the last edit back, or makes it again; left out where there is nothing to undo.
   */
  constructor(
    private readonly root: HTMLElement,
    private readonly groups: () => readonly ShortcutGroup[],
    private readonly travel?: (direction: Direction) => void,
  ) {
    this.button.addEventListener("click", () => this.open());
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close(); // beside the text
    });
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") event.stopPropagation(); // it closes the overview, and nothing else
    });
    document.addEventListener("keydown", this.listen);
    document.addEventListener(ASK, this.answer);
  }

  stop(): void {
    document.removeEventListener("keydown", this.listen);
    document.removeEventListener(ASK, this.answer);
    this.element.remove();
  }

  open(): void {
    if (this.element.open) return;
    const found: Found = { groups: [], travels: false };
    document.dispatchEvent(new CustomEvent(ASK, { detail: found }));
    const close = h("button", { type: "button", class: "button" }, "Close");
    close.addEventListener("click", () => this.element.close());
    const groups = [...merged(found.groups), general(found.travels)];
    this.element.replaceChildren(
      h("h2", { class: "shortcuts-title" }, "Keyboard shortcuts"),
      h("div", { class: "shortcuts-groups" }, ...groups.map((group) => this.section(group))),
      this.characterSwitch(),
      close,
    );
    this.element.showModal();
  }

  private section({ title, shortcuts }: ShortcutGroup): HTMLElement {
    const lines = shortcuts.flatMap(({ shown, says }) => [
      h("dt", {}, ...shown.split(" / ").map((key) => h("kbd", {}, key))),
      h("dd", {}, says),
    ]);
    return h("section", {}, h("h3", {}, title), h("dl", {}, ...lines));
  }

  private characterSwitch(): HTMLElement {
    const box = h("input", { type: "checkbox" });
    box.checked = characters();
    box.addEventListener("change", () => remember(SWITCH, box.checked ? "on" : "off"));
    const says = "Single-character shortcuts, while the component has the focus";
    return h("label", { class: "shortcuts-switch" }, box, h("span", {}, says));
  }

  private press(event: KeyboardEvent): void {
    const run = this.answerTo(event);
    if (!run) return;
    event.preventDefault(); // also says to the page's other parts that it is done
    run();
  }

  private answerTo(event: KeyboardEvent): (() => void) | undefined {
    const { travel } = this;
    const direction = directionOf(event);
    if (direction) return travel && !covered() ? () => travel(direction) : undefined;
    if (!isFree(event)) return undefined;
    if (isCharacter(event.key) && !(this.hasFocus(event) && characters())) return undefined;
    if (event.key === "?") {
      const shown = document.querySelector<HTMLDialogElement>("dialog.lx-shortcuts[open]");
      return event.repeat ? undefined : shown ? () => shown.close() : () => this.open();
    }
    const shortcuts = this.groups().flatMap((group) => group.shortcuts);
    const found = shortcuts.find(({ key, run }) => key === event.key && run);
    return found && (found.held || !event.repeat) && !covered() ? found.run : undefined;
  }

  private hasFocus({ target }: Event): boolean {
    return target instanceof Node && this.root.contains(target);
  }
}
