// Says quietly that the server is gone, in place of the dialog with which Streamlit covers the page.
import { h } from "../dom";

const APP = '[data-testid="stApp"]';
const STATE = "data-test-connection-state";
const ERROR_DIALOG = '[data-testid="stDialog"] [data-testid="stErrorCodeBlock"]';
/** A short loss is not worth a word. */
const PATIENCE_MS = 1000;

/**
 * Watches Streamlit's own connection.
 *
 * While it is lost, Streamlit's dialog is closed by its own button as soon as it appears: a dialog
 * makes the page inert, and the live stage works on without Streamlit for a while.
 */
export class Offline {
  private readonly notice = h(
    "div",
    { class: "offline", role: "status", "data-testid": "offline" },
    "The server does not answer. If you stopped it, start it again: this page reconnects by itself.",
  );
  private readonly root = h("div", { class: "shell" }, this.notice);
  private readonly watch = new MutationObserver(() => this.look());
  private readonly dialogs = new MutationObserver(() => this.closeDialog());
  private readonly app = document.querySelector(APP);
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parent: HTMLElement) {
    this.notice.hidden = true;
    parent.append(this.root);
    if (this.app) this.watch.observe(this.app, { attributes: true, attributeFilter: [STATE] });
    this.look();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.watch.disconnect();
    this.dialogs.disconnect();
    this.root.remove();
  }

  private get lost(): boolean {
    const state = this.app?.getAttribute(STATE);
    return typeof state === "string" && state !== "CONNECTED";
  }

  private look(): void {
    if (this.lost) {
      this.timer ??= setTimeout(() => {
        this.notice.hidden = false;
      }, PATIENCE_MS);
      this.dialogs.observe(document.body, { childList: true, subtree: true });
      this.closeDialog();
      return;
    }
    clearTimeout(this.timer);
    this.timer = undefined;
    this.notice.hidden = true;
    this.dialogs.disconnect();
  }

  private closeDialog(): void {
    if (!this.lost) return;
    const dialog = document.querySelector(ERROR_DIALOG)?.closest('[role="dialog"]');
    dialog?.querySelector<HTMLButtonElement>('button[aria-label="Close"]')?.click();
  }
}
