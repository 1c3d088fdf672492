// A skeleton over a component from its first paint until there is something to show, with what is under way.
import { h, setText } from "../dom";
import type { Sheet } from "../sheet";

/** Under way for so long, it may be tried again by hand. */
const LONG_MS = 15_000;

export class Loading {
  private readonly note = h("div", { class: "loading-note", role: "status" });
  private readonly retry = h("button", { type: "button", class: "button text-button" }, "Retry");
  readonly element: HTMLElement;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private shown = false;

  constructor(retry: () => void) {
    this.retry.addEventListener("click", () => {
      this.retry.hidden = true;
      retry();
      this.patience();
    });
    this.retry.hidden = true;
    this.element = h(
      "div",
      { class: "loading", "data-testid": "loading" },
      h("div", { class: "loading-blocks", "aria-hidden": "true" }, ...blocks(6)),
      h("div", { class: "loading-box" }, this.note, this.retry),
    );
    this.element.hidden = true;
  }

  /** Says what is under way. Once something was shown it stays, under the note alone. */
  wait(what: string): void {
    setText(this.note, what);
    this.element.classList.toggle("lx-over", this.shown);
    this.element.hidden = false;
    this.retry.hidden = true;
    this.patience();
  }

  /** Says what has failed, with a button that tries it again. */
  fail(message: string): void {
    clearTimeout(this.timer);
    setText(this.note, message);
    this.element.hidden = false;
    this.retry.hidden = false;
  }

  /** There is something to show, or a message that says why there is not. */
  end(): void {
    this.shown = true;
    clearTimeout(this.timer);
    this.element.hidden = true;
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private patience(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.retry.hidden = false;
    }, LONG_MS);
  }
}

/** Shows the skeleton until pictures are here; where they cannot be had, that is said. */
export function waitForSheets(
  loading: Loading,
  sheets: readonly Pick<Sheet, "ready" | "failed">[],
): void {
  let missing = sheets.length;
  if (missing === 0) return;
  loading.wait("Loading the pictures…");
  for (const sheet of sheets) {
    sheet.failed(() => loading.fail("The pictures could not be loaded."));
    sheet.ready(() => {
      missing -= 1;
      if (missing === 0) loading.end();
    });
  }
}

const blocks = (count: number): HTMLElement[] =>
  Array.from({ length: count }, () => h("div", { class: "loading-block" }));
