// What every component has around its own parts: root, theme, messages, loading state, shortcuts, and its end.
import { h } from "../dom";
import type { Shape } from "../messages.gen";
import { type Theme, watchTheme } from "../theme";
import { Banner } from "../ui/banner";
import { Loading } from "../ui/loading";
import { Readout } from "../ui/readout";
import type { ConnectionState } from "./connection";
import { Scheduler } from "./scheduler";
import { Scope } from "./scope";
import { type Direction, type ShortcutGroup, Shortcuts } from "./shortcuts";
import type { FrameStats } from "./stats";
import { ANNOUNCE_MS } from "./waits";

export interface ShellOptions {
  /** The component's test id. */
  name: string;
  /** Class names of the root. */
  classes: string;
  /** What is under way until there is something to show. */
  opening: string;
  keys(): readonly ShortcutGroup[];
  /** Left out where there is nothing to undo. */
  travel?(direction: Direction): void;
  /** Tries again whatever has failed. */
  retry(): void;
}

export class Shell {
  readonly element: HTMLElement;
  readonly scope = new Scope();
  readonly scheduler = new Scheduler();
  readonly banner: Banner;
  readonly shortcuts: Shortcuts;
  readonly readout = new Readout();
  private readonly loading: Loading;
  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly opening: string;

  constructor({ name, classes, opening, keys, travel, retry }: ShellOptions) {
    this.opening = opening;
    this.element = h("div", {
      class: `stage ${classes}`.trim(),
      "data-testid": name,
      "data-connection": "connecting",
      "data-ready": "false",
      tabindex: "-1", // a click beside its controls gives it the keys
    });
    this.banner = new Banner(retry);
    this.loading = new Loading(retry);
    this.shortcuts = new Shortcuts(this.element, keys, travel);
    this.element.append(this.probe);
    for (const end of [
      () => this.element.remove(),
      () => this.shortcuts.stop(),
      () => this.banner.stop(),
      () => this.loading.stop(),
      () => this.readout.stop(),
      () => this.scheduler.dispose(),
    ])
      this.scope.add(end);
  }

  /** Puts the component on the page: its own parts, then what is heard and what lies over them. */
  mount(parent: HTMLElement, ...parts: Node[]): void {
    this.element.append(...parts, this.live, this.shortcuts.element, this.loading.element);
    parent.append(this.element);
    this.loading.wait(this.opening);
  }

  /** Tells the theme now and whenever it changes; after `mount`. */
  watch(changed: (theme: Theme) => void): void {
    this.scope.add(watchTheme(this.element, this.probe, changed));
  }

  /** Pictures have this shape from now on. */
  setRatio([, height, width]: Shape): void {
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
  }

  /** The line below a component: what to do, its keys, and how fast it is. */
  foot(hint: string): HTMLElement {
    return h(
      "footer",
      { class: "foot" },
      h("span", { class: "hint" }, `${hint} `, this.shortcuts.button),
      this.readout.element,
    );
  }

  // Loading and failing

  get isReady(): boolean {
    return this.element.dataset["ready"] === "true";
  }

  /** There is nothing to show yet, or what is shown is of something else. */
  wait(what = this.opening): void {
    this.element.dataset["ready"] = "false";
    this.loading.wait(what);
    this.banner.clear();
  }

  /** What is shown is what was asked for. */
  ready(): void {
    if (this.isReady) return;
    this.element.dataset["ready"] = "true";
    this.loading.end();
    this.banner.clearFailure();
  }

  /** What is shown is not what was asked for, and why; it can be tried again. */
  fail(message: string): void {
    this.element.dataset["ready"] = "false";
    this.loading.end();
    this.banner.fail(message);
  }

  connection(state: ConnectionState): void {
    this.element.dataset["connection"] = state;
    this.banner.connect(state);
  }

  /** A frame was painted that the hand has asked for. */
  timed(stats: FrameStats): void {
    this.readout.touch(stats);
  }

  // For screen readers

  say(text: string): void {
    this.live.textContent = text;
  }

  /** Says something once nothing else has been said for a moment. */
  announce(text: () => string): void {
    this.scheduler.after("announce", ANNOUNCE_MS, () => this.say(text()));
  }
}
