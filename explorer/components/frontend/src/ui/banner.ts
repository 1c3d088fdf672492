// Quiet messages of a component: the state of the connection, and errors that can be tried again or dismissed.
import type { ConnectionState } from "../core/connection";
import { h, icon, setText } from "../dom";

/** A short loss is not worth a word. */
const PATIENCE_MS = 700;

export class Banner {
  private readonly connection = h("div", { class: "reconnecting", role: "status" });
  private readonly text = h("span", { class: "error-text" });
  private readonly retry = h("button", { type: "button", class: "button text-button" }, "Retry");
  private readonly error: HTMLElement;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private was = false;
  /** Whether the message is about what is shown, and goes with what comes next. */
  private failing = false;
  readonly element: HTMLElement;

  /** `retry` tries again whatever has failed. */
  constructor(retry: () => void) {
    const dismiss = h(
      "button",
      { type: "button", class: "dismiss", "aria-label": "Dismiss" },
      icon("close"),
    );
    dismiss.addEventListener("click", () => this.clear());
    this.retry.addEventListener("click", () => {
      this.clear();
      retry();
    });
    this.error = h("div", { class: "error", role: "alert" }, this.text, this.retry, dismiss);
    this.error.hidden = true;
    this.connection.hidden = true;
    this.element = h("div", { class: "banners" }, this.error, this.connection);
  }

  /** Says what has failed; it is not worth another try. */
  show(message: string): void {
    this.put(message, false);
  }

  /** Says what has failed, with a button that tries it again. */
  fail(message: string): void {
    this.put(message, true);
  }

  private put(message: string, failing: boolean): void {
    setText(this.text, message);
    this.retry.hidden = !failing;
    this.failing = failing;
    this.error.hidden = false;
  }

  clear(): void {
    this.failing = false;
    this.error.hidden = true;
  }

  /** What had failed is there now. */
  clearFailure(): void {
    if (this.failing) this.clear();
  }

  /** Says that the connection is being made when that takes longer than a moment. */
  connect(state: ConnectionState): void {
    if (state === "open") {
      clearTimeout(this.timer);
      this.timer = undefined;
      this.was = true;
      this.connection.hidden = true;
      return;
    }
    this.timer ??= setTimeout(() => {
      setText(this.connection, this.was ? "Reconnecting…" : "Connecting…");
      this.connection.hidden = false;
    }, PATIENCE_MS);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}
