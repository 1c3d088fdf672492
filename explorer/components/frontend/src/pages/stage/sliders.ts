// Attribute sliders, grouped: each adds its value times (mean with - mean without).

import type { Choice } from "../../dom";
import { field, h, icon, segmented } from "../../dom";
import type { DirectionInfo, Edit, Target } from "../../types";
import type { Tracks } from "./along";
import { Slider, type SliderEvents } from "./slider";

const SEARCH_FROM = 20;
/** Groups are open at first as long as they hold no more sliders than this together. */
const OPEN_ROWS = 20;

export interface SlidersEvents extends SliderEvents {
  target(target: Target): void;
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
  private sliders = new Map<string, Slider>();
  private groups: HTMLDetailsElement[] = [];
  private shown = "";
  private tracks: Tracks | null = null;
  private edit: Edit | null = null;
  readonly element: HTMLElement;

  constructor(private readonly on: SlidersEvents) {
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
    this.sliders.clear();
    this.tracks = null;
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
      const sliders = members.map((info) => this.makeSlider(info));
      opened += sliders.length;
      const open = opened <= OPEN_ROWS || this.groups.length === 0;
      this.groups.push(this.makeGroup(name, sliders, open, single));
    }
    this.body.append(...this.groups);
    if (directions.length === 0)
      this.body.append(h("p", { class: "empty" }, "This model has no attribute directions."));
  }

  private makeGroup(name: string, sliders: Slider[], open: boolean, single: boolean) {
    const group = h(
      "details",
      { class: single ? "group group-single" : "group" },
      h(
        "summary",
        { class: "group-name" },
        h("span", {}, name || "Other"),
        h("span", { class: "group-count" }, String(sliders.length)),
      ),
      ...sliders.map((slider) => slider.element),
    );
    group.open = open || single;
    return group;
  }

  private makeSlider(info: DirectionInfo): Slider {
    const slider = new Slider(info, this.on);
    this.sliders.set(info.slug, slider);
    return slider;
  }

  /** Shows what the tracks lead to; null while that is not known. */
  setTracks(tracks: Tracks | null): void {
    this.tracks = tracks;
    if (this.edit) this.show(this.edit);
  }

  /** Shows an edit's values for the handles that the sliders act on. */
  show(edit: Edit): void {
    this.edit = edit;
    this.target.set(edit.target);
    this.element.dataset["target"] = edit.target;
    for (const slider of this.sliders.values()) {
      slider.showTrack(this.tracks, edit);
      slider.showValue(edit);
    }
  }

  /** Shows one slider, for the frames of a drag. */
  showOne(slug: string, edit: Edit): void {
    this.edit = edit;
    this.sliders.get(slug)?.showValue(edit);
  }

  private filter(text: string): void {
    const wanted = text.trim().toLowerCase();
    for (const { element, info } of this.sliders.values())
      element.hidden = !`${info.group} ${info.title}`.toLowerCase().includes(wanted);
    for (const group of this.groups) {
      const some = [...group.querySelectorAll<HTMLElement>(".lx-row")].some((row) => !row.hidden);
      group.hidden = !some;
      if (wanted && some) group.open = true;
    }
  }
}
