// Pictures in rows, each to be clicked.

import {
  ARROW_KEYS,
  isFree,
  keyHint,
  type ShortcutGroup,
  Shortcuts,
  shortcut,
} from "../core/shortcuts";
import { h, setText } from "../dom";
import { verdict } from "../gauge";
import { Sheet } from "../sheet";
import { watchTheme } from "../theme";
import { Loading, waitForSheets } from "../ui/loading";
import type { Clicked, GalleryData } from "./types";

export type Choose = (clicked: Clicked) => void;
type Named = Pick<GalleryData, "rows" | "heads" | "columns" | "captions">;

/** What a picture is called for those who hear the page. */
export function nameOf(index: number, data: Named): string {
  const row = data.rows[Math.floor(index / data.columns)];
  const head = data.heads[index % data.columns];
  const place =
    row === undefined ? `Sample ${index + 1}` : `${row}, ${head ?? index % data.columns}`;
  const caption = data.captions[index];
  return caption ? `${place}: ${caption}` : place;
}

/**
 * The picture that an arrow key leads to, the same one at an edge.
 *
 * Arguments:
 *   index: the picture that has the focus.
 *   columns: pictures in a row.
 *   count: all pictures; the last row may be short.
 */
export function beside(key: string, index: number, columns: number, count: number): number {
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key] ?? 0;
  const to = index + step;
  return to >= 0 && to < count ? to : index;
}

export class Gallery {
  private clicks = Date.now();
  private shown = "";
  private buttons: HTMLButtonElement[] = [];
  private readonly probe = h("div", { class: "probe", "aria-hidden": "true" });
  private readonly grid = h("div", { class: "gallery-grid" });
  readonly element = h("div", {
    class: "stage gallery",
    "data-testid": "gallery",
    tabindex: "-1",
  });
  private readonly shortcuts = new Shortcuts(this.element, () => this.keys());
  private sheet: Sheet | null = null;
  private readonly loading = new Loading(() => this.sheet?.load());
  private readonly unwatch: () => void;

  constructor(
    parent: HTMLElement,
    private data: GalleryData,
    private choose: Choose,
  ) {
    this.grid.addEventListener("keydown", (event) => this.key(event));
    const hint = h("span", { class: "hint" }, "Arrow keys go from picture to picture. ");
    hint.append(this.shortcuts.button);
    this.element.append(
      this.probe,
      this.grid,
      h("footer", { class: "foot" }, hint),
      this.shortcuts.element,
      this.loading.element,
    );
    parent.append(this.element);
    this.unwatch = watchTheme(this.element, this.probe, () => {});
    this.update(data, choose);
  }

  update(data: GalleryData, choose: Choose): void {
    this.data = data;
    this.choose = choose;
    if (this.shown !== data.made) {
      this.shown = data.made;
      this.build();
    }
    for (const [index, button] of this.buttons.entries())
      button.setAttribute("aria-pressed", String(index === data.selected));
  }

  dispose(): void {
    this.unwatch();
    this.shortcuts.stop();
    this.loading.stop();
    this.element.remove();
  }

  private keys(): ShortcutGroup[] {
    return [
      {
        title: "Pictures",
        shortcuts: [
          shortcut("g", "Go to the pictures", () => this.buttons[this.data.selected ?? 0]?.focus()),
          keyHint(ARROW_KEYS, "Go from picture to picture"),
          keyHint("Enter", "Look closer"),
        ],
      },
    ];
  }

  private key(event: KeyboardEvent): void {
    const { key, target } = event;
    const index = this.buttons.indexOf(target as HTMLButtonElement);
    if (index < 0 || !key.startsWith("Arrow") || !isFree(event)) return;
    event.preventDefault();
    const { offsetTop } = this.buttons[0];
    const below = this.buttons.findIndex((button) => button.offsetTop > offsetTop);
    const { length } = this.buttons;
    this.buttons[beside(key, index, below < 0 ? length : below, length)].focus();
  }

  private build(): void {
    const { data } = this;
    const sheet = new Sheet(data.sheet, data.columns, data.shape);
    this.sheet = sheet;
    waitForSheets(this.loading, [sheet]);
    const [, height, width] = data.shape;
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
    this.element.style.setProperty("--lx-columns", String(data.columns));
    this.element.classList.toggle("lx-named-rows", data.rows.length > 0);
    this.element.classList.toggle("lx-loose", data.rows.length === 0 && data.captions.length > 0);
    this.buttons = Array.from({ length: data.count }, (_, index) => this.picture(index, sheet));
    this.grid.replaceChildren(...this.cells());
  }

  /** Heads, names of rows and pictures, in the order of the grid. */
  private cells(): HTMLElement[] {
    const { rows, heads, columns } = this.data;
    if (rows.length === 0) return this.buttons;
    const cells: HTMLElement[] = [];
    if (heads.length > 0)
      cells.push(h("span", {}), ...heads.map((head) => h("span", { class: "gallery-head" }, head)));
    for (const [row, name] of rows.entries())
      cells.push(
        h("span", { class: "gallery-row" }, name),
        ...this.buttons.slice(row * columns, (row + 1) * columns),
      );
    return cells;
  }

  private picture(index: number, sheet: Sheet): HTMLButtonElement {
    const { data } = this;
    const canvas = h("canvas", { class: "gallery-canvas", "aria-hidden": "true" });
    sheet.ready(() => sheet.paint(index, canvas));
    const button = h(
      "button",
      {
        type: "button",
        class: "gallery-picture",
        "aria-label": nameOf(index, data),
        "data-testid": `picture-${index}`,
      },
      canvas,
    );
    const caption = data.captions[index];
    if (caption) {
      const line = h("span", { class: "gallery-caption" });
      setText(line, caption);
      line.dataset["verdict"] = verdict(data.percentile[index] ?? 0);
      button.append(line);
    }
    button.addEventListener("click", () =>
      this.choose({ made: this.data.made, index, click: this.clicks++ }),
    );
    return button;
  }
}
