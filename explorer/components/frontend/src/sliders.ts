// Attribute sliders, grouped: each adds its value times (mean with - mean without).
import type { Choice } from "./dom";
import { field, h, icon, segmented, setText } from "./dom";
import { targets } from "./edit";
import type { DirectionInfo, Edit, Target } from "./types";

const RANGE = 3;
const STEP = 0.01;
const SEARCH_FROM = 20;
/** Groups are open at first as long as they hold no more sliders than this together. */
const OPEN_ROWS = 20;
const FEW = 50;
const KEY_MS = 400;

interface Row {
  element: HTMLElement;
  input: HTMLInputElement;
  output: HTMLOutputElement;
  reset: HTMLButtonElement;
  info: DirectionInfo;
}

export interface SliderEvents {
  /** A slider moves; `stamp` is the event's time stamp. */
  move(slug: string, value: number, stamp: number): void;
  /** The slider was let go; keys come in quick succession, a pointer once. */
  release(slug: string, byKey: boolean): void;
  target(target: Target): void;
}

const signed = (value: number): string =>
  value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;

export class Sliders {
  private readonly body = h("div", { class: "slider-groups" });
  private readonly search = h("input", {
    type: "search",
    class: "search-input",
    placeholder: "Find an attribute",
    "aria-label": "Find an attribute",
  });
  private readonly searchBox = h("div", { class: "search" });
  private readonly target: Choice<Target>;
  private readonly head: HTMLElement;
  private rows = new Map<string, Row>();
  private groups: HTMLDetailsElement[] = [];
  private shown = "";
  private lastKey = -Infinity;
  readonly element: HTMLElement;

  constructor(private readonly on: SliderEvents) {
    this.target = segmented<Target>(
      "Apply attributes to",
      [
        ["both", "Both"],
        ["A", "A"],
        ["B", "B"],
      ],
      (target) => on.target(target),
    );
    this.searchBox.append(icon("search"), this.search);
    this.search.addEventListener("input", () => this.filter(this.search.value));
    this.head = h(
      "header",
      { class: "head" },
      h("h3", { class: "title" }, "Attributes"),
      h("div", { class: "controls" }, field("Apply to", this.target.element)),
    );
    this.element = h(
      "section",
      { class: "attributes", "aria-label": "Attributes" },
      this.head,
      this.searchBox,
      h("div", { class: "slider-scroll" }, this.body),
    );
  }

  /** Makes the sliders of a model's directions; nothing happens when they are the same. */
  setDirections(directions: readonly DirectionInfo[]): void {
    const key = JSON.stringify(directions);
    if (key === this.shown) return;
    this.shown = key;
    this.rows.clear();
    this.groups = [];
    this.search.value = "";
    this.searchBox.hidden = directions.length <= SEARCH_FROM;
    const grouped = new Map<string, DirectionInfo[]>();
    for (const info of directions) {
      const members = grouped.get(info.group);
      if (members) members.push(info);
      else grouped.set(info.group, [info]);
    }
    const single = grouped.size === 1;
    let opened = 0;
    this.body.replaceChildren();
    for (const [name, members] of grouped) {
      const rows = members.map((info) => this.makeRow(info));
      opened += rows.length;
      const open = opened <= OPEN_ROWS || this.groups.length === 0;
      this.groups.push(this.makeGroup(name, rows, open, single));
    }
    this.body.append(...this.groups);
    if (directions.length === 0)
      this.body.append(h("p", { class: "empty" }, "This model has no attribute directions."));
  }

  private makeGroup(name: string, rows: Row[], open: boolean, single: boolean) {
    const group = h(
      "details",
      { class: single ? "group group-single" : "group" },
      h(
        "summary",
        { class: "group-name" },
        h("span", {}, name || "Other"),
        h("span", { class: "group-count" }, String(rows.length)),
      ),
      ...rows.map((row) => row.element),
    );
    group.open = open || single;
    return group;
  }

  private makeRow(info: DirectionInfo): Row {
    const id = `lx-${info.slug}-${Math.random().toString(36).slice(2, 7)}`;
    const input = h("input", {
      id,
      type: "range",
      class: "range",
      min: String(-RANGE),
      max: String(RANGE),
      step: String(STEP),
      value: "0",
      "data-testid": `attribute-${info.slug}`,
    });
    const output = h("output", { class: "value", for: id }, "0");
    const reset = h(
      "button",
      { type: "button", class: "clear", "aria-label": `Reset ${info.title}`, title: "Reset to 0" },
      icon("close"),
    );
    const few = Math.min(info.with, info.without) < FEW;
    const counts = `${info.with.toLocaleString("en")} images with, ${info.without.toLocaleString("en")} without`;
    const element = h(
      "div",
      { class: "row" },
      h(
        "label",
        { class: few ? "row-name few" : "row-name", for: id, title: `${info.title}: ${counts}` },
        info.title,
      ),
      h("span", { class: "range-box" }, input),
      output,
      reset,
    );
    const clear = (event: Event) => {
      this.on.move(info.slug, 0, event.timeStamp);
      this.on.release(info.slug, false);
    };
    input.addEventListener("keydown", (event) => {
      this.lastKey = event.timeStamp;
    });
    input.addEventListener("input", (event) =>
      this.on.move(info.slug, Number(input.value), event.timeStamp),
    );
    input.addEventListener("change", (event) =>
      this.on.release(info.slug, event.timeStamp - this.lastKey < KEY_MS),
    );
    input.addEventListener("dblclick", clear);
    reset.addEventListener("click", (event) => {
      clear(event);
      input.focus();
    });
    const row = { element, input, output, reset, info };
    this.rows.set(info.slug, row);
    return row;
  }

  /** Shows an edit's values for the handles that the sliders act on. */
  show(edit: Edit): void {
    this.target.set(edit.target);
    this.element.dataset["target"] = edit.target;
    for (const row of this.rows.values()) this.showRow(row, edit);
  }

  /** Shows one slider, for the frames of a drag. */
  showOne(slug: string, edit: Edit): void {
    const row = this.rows.get(slug);
    if (row) this.showRow(row, edit);
  }

  private showRow({ element, input, output, reset, info }: Row, edit: Edit): void {
    const values = targets(edit).map((name) => edit[name].sliders[info.slug] ?? 0);
    const value = values[0];
    const mixed = values.some((v) => v !== value);
    const bounded = Math.min(RANGE, Math.max(-RANGE, value));
    if (Number(input.value) !== bounded) input.value = String(bounded);
    input.style.setProperty("--lx-at", String((bounded + RANGE) / (2 * RANGE)));
    setText(output, mixed ? `A ${signed(values[0])}\nB ${signed(values[1])}` : signed(value));
    element.classList.toggle("lx-mixed", mixed);
    element.classList.toggle(
      "lx-set",
      values.some((v) => v !== 0),
    );
    reset.disabled = values.every((v) => v === 0);
    input.setAttribute(
      "aria-valuetext",
      mixed ? `A ${values[0].toFixed(2)}, B ${values[1].toFixed(2)}` : value.toFixed(2),
    );
  }

  private filter(text: string): void {
    const wanted = text.trim().toLowerCase();
    for (const { element, info } of this.rows.values())
      element.hidden = !`${info.group} ${info.title}`.toLowerCase().includes(wanted);
    for (const group of this.groups) {
      const some = [...group.querySelectorAll<HTMLElement>(".lx-row")].some((row) => !row.hidden);
      group.hidden = !some;
      if (wanted && some) group.open = true;
    }
  }
}
