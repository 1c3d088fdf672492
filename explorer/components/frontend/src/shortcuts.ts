// Keyboard shortcuts of a page, and their overview on "?".
import { h, isTyping } from "./dom";

export interface Shortcut {
  /** What is pressed, as `KeyboardEvent.key`; "" for a line of the overview alone. */
  key: string;
  /** How the overview shows it, e.g. "Ctrl + Z". */
  shown: string;
  says: string;
  run?(): void;
}

export interface ShortcutGroup {
  title: string;
  shortcuts: readonly Shortcut[];
}

/** Whether a press is a shortcut's, not a text's, a control's or the browser's. */
export function isFree(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat)
    return false;
  const { target } = event;
  if (!(target instanceof Element)) return true;
  return !isTyping(target) && !target.closest("input:not([type=radio]), select, [role=combobox]");
}

export class Shortcuts {
  readonly element = h("dialog", { class: "shortcuts", "aria-label": "Keyboard shortcuts" });
  private readonly runs = new Map<string, () => void>();
  private readonly listen = (event: KeyboardEvent) => this.press(event);

  constructor(groups: readonly ShortcutGroup[]) {
    for (const { shortcuts } of groups)
      for (const { key, run } of shortcuts) if (key && run) this.runs.set(key, run);
    const close = h("button", { type: "button", class: "button" }, "Close");
    close.addEventListener("click", () => this.element.close());
    this.element.append(
      h("h2", { class: "shortcuts-title" }, "Keyboard shortcuts"),
      h("div", { class: "shortcuts-groups" }, ...groups.map((group) => this.section(group))),
      close,
    );
    this.element.addEventListener("click", (event) => {
      if (event.target === this.element) this.element.close(); // beside the text
    });
    document.addEventListener("keydown", this.listen);
  }

  stop(): void {
    document.removeEventListener("keydown", this.listen);
    this.element.remove();
  }

  open(): void {
    if (!this.element.open) this.element.showModal();
  }

  private section({ title, shortcuts }: ShortcutGroup): HTMLElement {
    const lines = shortcuts.flatMap(({ shown, says }) => [
      h("dt", {}, ...shown.split(" / ").map((key) => h("kbd", {}, key))),
      h("dd", {}, says),
    ]);
    return h("section", {}, h("h3", {}, title), h("dl", {}, ...lines));
  }

  private press(event: KeyboardEvent): void {
    if (!isFree(event)) return;
    if (event.key === "?") {
      if (this.element.open) this.element.close();
      else this.open();
    } else {
      const run = this.element.open ? undefined : this.runs.get(event.key);
      if (!run) return;
      run();
    }
    event.preventDefault();
  }
}
