// One attribute slider: its track, the value beside it, which can be typed, and the way back to 0.
import { h, icon } from "../../dom";
import { MAX_SLIDER } from "../../messages.gen";
import type { DirectionInfo, Edit, HandleName } from "../../types";
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
import { readValue, signed } from "./values";

/** Half the track's length; of one whose value lies beyond, all that a slider may add. */
const RANGE = 3;
const STEP = 0.01;
const FEW = 50;
const KEY_MS = 400;
/** A press that moves the pointer no further is a click. */
const CLICK_PX = 3;
const NO_ENDS: Ends = [-Infinity, Infinity];
/** Keys that begin a typed value while a slider has the focus. */
const TYPED = /^[-+\u2212.,\d]$/;

export interface SliderEvents {
  /** A slider moves; `stamp` is the event's time stamp. */
  move(slug: string, value: number, stamp: number): void;
  /** The slider was let go: keys and the clicks of a double click come in quick succession. */
  release(slug: string, by: "key" | "click" | "drag"): void;
  /** Something for a screen reader. */
  say(text: string): void;
}

export class Slider {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly value = h("button", {
    type: "button",
    class: "value",
    tabindex: "-1",
    title: "Click to type a value; on the slider: Enter, or begin to type",
  });
  private readonly typed: HTMLInputElement;
  private readonly ticks: Record<HandleName, HTMLElement> = { A: tick("A"), B: tick("B") };
  private readonly reset: HTMLButtonElement;
  private ends: Ends = NO_ENDS;
  private tracks: Tracks | null = null;
  private edit: Edit | null = null;
  private lastKey = -Infinity;
  /** While a pointer holds it: where it was pressed, and whether it has moved. */
  private held: { x: number; moved: boolean } | null = null;

  constructor(
    readonly info: DirectionInfo,
    private readonly on: SliderEvents,
  ) {
    const { slug, title } = info;
    this.input = h("input", {
      id: `lx-${slug}-${Math.random().toString(36).slice(2, 7)}`,
      type: "range",
      class: "range",
      min: String(-RANGE),
      max: String(RANGE),
      step: String(STEP),
      value: "0",
      "data-testid": `attribute-${slug}`,
    });
    this.typed = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "typed",
      autocomplete: "off",
      "aria-label": `Value of ${title}, −${MAX_SLIDER} to ${MAX_SLIDER}`,
      "data-testid": `value-${slug}`,
    });
    this.typed.hidden = true;
    this.reset = h(
      "button",
      { type: "button", class: "clear", "aria-label": `Reset ${title}`, title: "Reset to 0" },
      icon("close"),
    );
    this.element = h(
      "div",
      { class: "row" },
      nameOf(info, this.input.id),
      h("span", { class: "range-box" }, this.input, this.ticks.A, this.ticks.B),
      h("span", { class: "value-box" }, this.value, this.typed),
      this.reset,
    );
    this.hearTrack();
    this.hearRest();
  }

  // The hand

  private hearTrack(): void {
    const { input, info } = this;
    input.addEventListener("keydown", (event) => {
      this.lastKey = event.timeStamp;
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key !== "Enter" && !TYPED.test(event.key)) return;
      event.preventDefault();
      this.type(event.key === "Enter" ? null : event.key);
    });
    input.addEventListener("pointerdown", (event) => {
      this.held = { x: event.clientX, moved: false };
    });
    input.addEventListener("pointermove", (event) => {
      if (this.held && Math.abs(event.clientX - this.held.x) > CLICK_PX) this.held.moved = true;
    });
    for (const end of ["pointerup", "pointercancel"])
      input.addEventListener(end, () => {
        const { held } = this;
        setTimeout(() => {
          if (this.held === held) this.held = null; // after "change", if there is one
        });
      });
    input.addEventListener("input", (event) =>
      this.on.move(info.slug, this.softened(event.timeStamp), event.timeStamp),
    );
    input.addEventListener("change", (event) => {
      const byKey = event.timeStamp - this.lastKey < KEY_MS;
      const clicked = this.held !== null && !this.held.moved;
      this.held = null;
      this.on.release(info.slug, byKey ? "key" : clicked ? "click" : "drag");
    });
    input.addEventListener("dblclick", (event) => this.clear(event, "click"));
  }

  private hearRest(): void {
    const { input, value, typed, reset } = this;
    reset.addEventListener("click", (event) => {
      this.clear(event, "drag");
      input.focus();
    });
    value.addEventListener("click", () => this.type(null));
    typed.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") this.stopTyping();
      else if (event.key !== "Enter" || !this.takeTyped(event.timeStamp)) return;
      event.preventDefault();
      input.focus();
    });
    typed.addEventListener("blur", (event) => {
      if (typed.hidden) return;
      const changed = typed.value !== typed.defaultValue;
      if (!changed || !this.takeTyped(event.timeStamp)) this.stopTyping();
    });
  }

  private clear(event: Event, by: "click" | "drag"): void {
    this.on.move(this.info.slug, 0, event.timeStamp);
    this.on.release(this.info.slug, by);
  }

  /** The value that the slider was moved to; it sticks where the images end. */
  private softened(stamp: number): number {
    const value = Number(this.input.value);
    if (this.held) return stick(value, this.ends);
    if (stamp - this.lastKey >= KEY_MS) return value;
    return stopAt(this.edit ? this.firstIn(this.edit) : value, value, this.ends);
  }

  /** The first of the values of the handles that the slider acts on. */
  private firstIn(edit: Edit): number {
    return edit[targets(edit)[0]].sliders[this.info.slug] ?? 0;
  }

  /** Opens the field for a typed value, with its first character if there is one. */
  private type(first: string | null): void {
    const { input, value, typed, edit } = this;
    typed.defaultValue = edit ? String(this.firstIn(edit)) : "";
    typed.value = first ?? typed.defaultValue;
    typed.removeAttribute("aria-invalid");
    typed.hidden = false;
    value.hidden = true;
    input.tabIndex = -1; // Shift+Tab leads past the slider whose value is typed
    typed.focus();
    if (first === null) typed.select();
  }

  private stopTyping(): void {
    this.typed.hidden = true;
    this.value.hidden = false;
    this.input.tabIndex = 0;
  }

  /** Takes what was typed; false where it is no value, which is then said. */
  private takeTyped(stamp: number): boolean {
    const found = readValue(this.typed.value);
    if (found === null) {
      this.typed.setAttribute("aria-invalid", "true");
      this.on.say(`Type a number from −${MAX_SLIDER} to ${MAX_SLIDER}.`);
      return false;
    }
    this.stopTyping();
    this.on.move(this.info.slug, found, stamp);
    this.on.release(this.info.slug, "drag");
    return true;
  }

  // What is shown

  /** Shows an edit's value for the handles that the slider acts on, for the frames of a drag. */
  showValue(edit: Edit): void {
    this.edit = edit;
    const { element, input, value: shown, reset, info } = this;
    const values = targets(edit).map((name) => edit[name].sliders[info.slug] ?? 0);
    const value = values[0];
    const mixed = values.some((v) => v !== value);
    this.lengthen(values, edit);
    const range = Number(input.max);
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
    this.showTicks(edit);
  }

  /** Gives the track the length that its values need; one that is held does not shrink. */
  private lengthen(values: readonly number[], edit: Edit): void {
    const { input } = this;
    const beyond = values.some((v) => Math.abs(v) > RANGE);
    const longest = beyond || (this.held !== null && Number(input.max) > RANGE);
    const range = longest ? MAX_SLIDER : RANGE;
    if (Number(input.max) === range) return;
    input.min = String(-range);
    input.max = String(range);
    this.showTrack(this.tracks, edit);
  }

  /** Shows what the track leads to (null: not known), in colours and words; not in the frames of a drag. */
  showTrack(tracks: Tracks | null, edit: Edit): void {
    this.tracks = tracks;
    const { input, info } = this;
    const along = tracks?.directions.get(info.slug);
    this.ends = along ? endsOf(along) : NO_ENDS;
    if (tracks && along)
      input.style.setProperty("--lx-off", trackColours(tracks, along, Number(input.max)));
    else input.style.removeProperty("--lx-off");
    const values: Partial<Record<HandleName, number>> = {};
    for (const name of targets(edit)) values[name] = edit[name].sliders[info.slug] ?? 0;
    const says = along ? describe(along, values) : "";
    input.title = says;
    input.setAttribute("aria-description", says);
    this.showTicks(edit);
  }

  /** Marks where the pictures stand along the direction. */
  private showTicks(edit: Edit): void {
    const { ticks, info } = this;
    const along = this.tracks?.directions.get(info.slug);
    const range = Number(this.input.max);
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
}

const tick = (name: HandleName): HTMLElement =>
  h("span", { class: `track-tick track-tick-${name.toLowerCase()}`, "aria-hidden": "true" });

/** The slider's label, which says how many images the direction was made of. */
function nameOf(info: DirectionInfo, id: string): HTMLElement {
  const few = Math.min(info.with, info.without) < FEW;
  const counts = `${info.with.toLocaleString("en")} images with, ${info.without.toLocaleString("en")} without`;
  return h(
    "label",
    { class: few ? "row-name few" : "row-name", for: id, title: `${info.title}: ${counts}` },
    info.title,
  );
}
