// Attribute sliders, grouped: each adds its value times (mean with - mean without).

import type { Choice } from "../../dom";
import { field, h, icon, segmented } from "../../dom";
import { MAX_SLIDER } from "../../messages.gen";
import type { DirectionInfo, Edit, HandleName, Target } from "../../types";
import { HANDLE_NAMES } from "../../types";
import {
  describe,
  type Ends,
  endsOf,
  positionNow,
  stick,
  stopAt,
  type Tracks,
  trackColours,
} from "./along";
import { targets } from "./model";

/** Half the track's length; of one whose value lies beyond, all that a slider may add. */
const RANGE = 3;
const STEP = 0.01;
const SEARCH_FROM = 20;
/** Groups are open at first as long as they hold no more sliders than this together. */
const OPEN_ROWS = 20;
const FEW = 50;
const KEY_MS = 400;
/** A press that moves the pointer no further is a click. */
const CLICK_PX = 3;
const NO_ENDS: Ends = [-Infinity, Infinity];
/** Keys that begin a typed value while a slider has the focus. */
const TYPED = /^[-+\u2212.,\d]$/;

interface Row {
  element: HTMLElement;
  input: HTMLInputElement;
  value: HTMLButtonElement;
  typed: HTMLInputElement;
  ticks: Record<HandleName, HTMLElement>;
  ends: Ends;
  reset: HTMLButtonElement;
  info: DirectionInfo;
}

export interface SliderEvents {
  /** A slider moves; `stamp` is the event's time stamp. */
  move(slug: string, value: number, stamp: number): void;
  /** The slider was let go: keys and the clicks of a double click come in quick succession. */
  release(slug: string, by: "key" | "click" | "drag"): void;
  /** Something for a screen reader. */
  say(text: string): void;
  target(target: Target): void;
}

const signed = (value: number): string =>
  value === 0 ? "0" : `${value > 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;

/** The first of the values of the handles that a slider acts on. */
const valueIn = (edit: Edit, slug: string): number => edit[targets(edit)[0]].sliders[slug] ?? 0;

/** Reads a typed value; null where it is no number from -MAX_SLIDER to MAX_SLIDER. */
export function readValue(text: string): number | null {
  const plain = text.trim().replace("\u2212", "-").replace(",", ".");
  if (!/^[-+]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  const value = Number(plain);
  return Math.abs(value) <= MAX_SLIDER ? value : null;
}

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
  private tracks: Tracks | null = null;
  private edit: Edit | null = null;
  /** The slider that a pointer holds, and whether it has moved. */
  private held: { slug: string; x: number; moved: boolean } | null = null;
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
    this.tracks = null;
    this.held = null;
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
    const value = h("button", {
      type: "button",
      class: "value",
      tabindex: "-1",
      title: "Click to type a value; on the slider: Enter, or begin to type",
    });
    const typed = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "typed",
      autocomplete: "off",
      "aria-label": `Value of ${info.title}, −${MAX_SLIDER} to ${MAX_SLIDER}`,
      "data-testid": `value-${info.slug}`,
    });
    typed.hidden = true;
    const tick = (name: HandleName) =>
      h("span", { class: `track-tick track-tick-${name.toLowerCase()}`, "aria-hidden": "true" });
    const ticks = { A: tick("A"), B: tick("B") };
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
      h("span", { class: "range-box" }, input, ticks.A, ticks.B),
      h("span", { class: "value-box" }, value, typed),
      reset,
    );
    const row: Row = { element, input, value, typed, ticks, ends: NO_ENDS, reset, info };
    this.listen(row);
    this.rows.set(info.slug, row);
    return row;
  }

  private listen(row: Row): void {
    const { input, value, typed, reset, info } = row;
    const clear = (event: Event, by: "click" | "drag") => {
      this.on.move(info.slug, 0, event.timeStamp);
      this.on.release(info.slug, by);
    };
    input.addEventListener("keydown", (event) => {
      this.lastKey = event.timeStamp;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key !== "Enter" && !TYPED.test(event.key)) return;
      event.preventDefault();
      this.type(row, event.key === "Enter" ? null : event.key);
    });
    input.addEventListener("pointerdown", (event) => {
      this.held = { slug: info.slug, x: event.clientX, moved: false };
    });
    input.addEventListener("pointermove", (event) => {
      const { held } = this;
      if (held?.slug === info.slug && Math.abs(event.clientX - held.x) > CLICK_PX)
        held.moved = true;
    });
    for (const end of ["pointerup", "pointercancel"])
      input.addEventListener(end, () => {
        const { held } = this;
        setTimeout(() => {
          if (this.held === held) this.held = null; // after "change", if there is one
        });
      });
    input.addEventListener("input", (event) =>
      this.on.move(info.slug, this.softened(row, event.timeStamp), event.timeStamp),
    );
    input.addEventListener("change", (event) => {
      const byKey = event.timeStamp - this.lastKey < KEY_MS;
      const clicked = this.held?.slug === info.slug && !this.held.moved;
      this.held = null;
      this.on.release(info.slug, byKey ? "key" : clicked ? "click" : "drag");
    });
    input.addEventListener("dblclick", (event) => clear(event, "click"));
    reset.addEventListener("click", (event) => {
      clear(event, "drag");
      input.focus();
    });
    value.addEventListener("click", () => this.type(row, null));
    typed.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.stopTyping(row);
      else if (event.key !== "Enter" || !this.takeTyped(row, event.timeStamp)) return;
      event.preventDefault();
      input.focus();
    });
    typed.addEventListener("blur", (event) => {
      if (typed.hidden) return;
      const changed = typed.value !== typed.defaultValue;
      if (!changed || !this.takeTyped(row, event.timeStamp)) this.stopTyping(row);
    });
  }

  /** The value that a slider was moved to; it sticks where the images end. */
  private softened({ input, info, ends }: Row, stamp: number): number {
    const value = Number(input.value);
    if (this.held?.slug === info.slug) return stick(value, ends);
    if (stamp - this.lastKey >= KEY_MS) return value;
    return stopAt(this.edit ? valueIn(this.edit, info.slug) : value, value, ends);
  }

  /** Opens the field for a typed value, with its first character if there is one. */
  private type({ input, value, typed, info }: Row, first: string | null): void {
    typed.defaultValue = this.edit ? String(valueIn(this.edit, info.slug)) : "";
    typed.value = first ?? typed.defaultValue;
    typed.removeAttribute("aria-invalid");
    typed.hidden = false;
    value.hidden = true;
    input.tabIndex = -1; // Shift+Tab leads past the slider whose value is typed
    typed.focus();
    if (first === null) typed.select();
  }

  private stopTyping({ input, value, typed }: Row): void {
    typed.hidden = true;
    value.hidden = false;
    input.tabIndex = 0;
  }

  /** Takes what was typed; false where it is no value, which is then said. */
  private takeTyped(row: Row, stamp: number): boolean {
    const found = readValue(row.typed.value);
    if (found === null) {
      row.typed.setAttribute("aria-invalid", "true");
      this.on.say(`Type a number from −${MAX_SLIDER} to ${MAX_SLIDER}.`);
      return false;
    }
    this.stopTyping(row);
    this.on.move(row.info.slug, found, stamp);
    this.on.release(row.info.slug, "drag");
    return true;
  }

  /** Shows what the tracks lead to; null while that is not known. */
  setTracks(tracks: Tracks | null): void {
    this.tracks = tracks;
    if (this.edit) this.show(this.edit);
  }

  /** Shows what a track leads to, in colours and words; not in the frames of a drag. */
  private showTrack(row: Row, edit: Edit): void {
    const { input, info } = row;
    const { tracks } = this;
    const along = tracks?.directions.get(info.slug);
    row.ends = along ? endsOf(along) : NO_ENDS;
    if (tracks && along)
      input.style.setProperty("--lx-off", trackColours(tracks, along, Number(input.max)));
    else input.style.removeProperty("--lx-off");
    const values: Partial<Record<HandleName, number>> = {};
    for (const name of targets(edit)) values[name] = edit[name].sliders[info.slug] ?? 0;
    const says = along ? describe(along, values) : "";
    input.title = says;
    input.setAttribute("aria-description", says);
  }

  /** Marks where the pictures stand along the direction. */
  private showTicks({ input, info, ticks }: Row, edit: Edit): void {
    const along = this.tracks?.directions.get(info.slug);
    const range = Number(input.max);
    for (const name of HANDLE_NAMES) {
      const moved = edit.target === "both" || edit.target === name;
      const slider = edit[name].sliders[info.slug] ?? 0;
      const position = along && moved ? positionNow(along, name, slider) : undefined;
      ticks[name].hidden = position === undefined;
      if (position === undefined) continue;
      const share = (Math.min(range, Math.max(-range, position)) + range) / (2 * range);
      ticks[name].style.setProperty("--lx-share", share.toFixed(4));
    }
  }

  /** Shows an edit's values for the handles that the sliders act on. */
  show(edit: Edit): void {
    this.edit = edit;
    this.target.set(edit.target);
    this.element.dataset["target"] = edit.target;
    for (const row of this.rows.values()) {
      this.showRow(row, edit);
      this.showTrack(row, edit);
    }
  }

  /** Shows one slider, for the frames of a drag. */
  showOne(slug: string, edit: Edit): void {
    const row = this.rows.get(slug);
    this.edit = edit;
    if (row) this.showRow(row, edit);
  }

  private showRow(row: Row, edit: Edit): void {
    const { element, input, value: shown, reset, info } = row;
    const values = targets(edit).map((name) => edit[name].sliders[info.slug] ?? 0);
    const value = values[0];
    const mixed = values.some((v) => v !== value);
    const beyond = values.some((v) => Math.abs(v) > RANGE);
    const longest = beyond || (this.held?.slug === info.slug && Number(input.max) > RANGE);
    const range = longest ? MAX_SLIDER : RANGE;
    if (Number(input.max) !== range) {
      input.min = String(-range);
      input.max = String(range);
      this.showTrack(row, edit);
    }
    if (Number(input.value) !== value) input.value = String(value);
    input.style.setProperty("--lx-at", String((value + range) / (2 * range)));
    const text = mixed ? `A ${signed(values[0])}\nB ${signed(values[1])}` : signed(value);
    if (shown.textContent !== text) {
      shown.textContent = text;
      // The visible text is part of the name (WCAG 2.5.3), for those who speak to the computer.
      shown.setAttribute("aria-label", `Type a value of ${info.title}, now ${text}`);
    }
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
    this.showTicks(row, edit);
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
