// Quiet messages of the stage: the state of the connection, and errors that can be dismissed.
import { h, icon, setText } from "./dom";
import type { Connection } from "./socket";

/** A short loss is not worth a word. */
const PATIENCE_MS = 700;

export class Banner {
  private readonly connection = h("div", { class: "reconnecting", role: "status" });
  private readonly progress = h("div", { class: "progress", role: "status" });
  private readonly text = h("span", { class: "error-text" });
  private readonly error: HTMLElement;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private was = false;
  readonly element: HTMLElement;

  constructor() {
    const dismiss = h(
      "button",
      { type: "button", class: "dismiss", "aria-label": "Dismiss" },
      icon("close"),
    );
    dismiss.addEventListener("click", () => this.clear());
    this.error = h("div", { class: "error", role: "alert" }, this.text, dismiss);
    this.error.hidden = true;
    this.connection.hidden = true;
    this.progress.hidden = true;
    this.element = h("div", { class: "banners" }, this.error, this.connection, this.progress);
  }

  show(message: string): void {
    setText(this.text, message);
    this.error.hidden = false;
    this.progress.hidden = true;
  }

  clear(): void {
    this.error.hidden = true;
  }

  /** Says what is under way until there is something to show; an empty text when there is. */
  wait(what: string): void {
    if (what) setText(this.progress, what);
    this.progress.hidden = what === "";
  }

  /** Says that the connection is being made when that takes longer than a moment. */
  connect(state: Connection): void {
    if (state === "open") {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.was = true;
      this.connection.hidden = true;
      return;
    }
    this.timer ??= setTimeout(() => {
      setText(this.connection, this.was ? "Reconnecting…" : "Connecting…");
      this.connection.hidden = !this.was && !this.progress.hidden;
    }, PATIENCE_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
