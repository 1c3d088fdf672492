// Keyboard focus into and out of popovers, which Streamlit shows at the end of the document.

const TRIGGER = '[data-testid="stPopoverButton"]';
const OPEN_TRIGGER = `${TRIGGER}[aria-expanded="true"]`;
const BODY = '[data-testid="stPopoverBody"]';
const TABBABLE =
  'a[href], button:not([disabled]), input:not([disabled]), select, textarea, [tabindex]:not([tabindex="-1"])';
/** What a popover shows may come from the server. */
const PATIENCE_MS = 4000;

/** While the focus is outside, Floating UI sets tabindex -1 inside and keeps the former one here. */
const SUSPENDED = "[data-tabindex]";

const tabbable = (root: ParentNode): HTMLElement[] =>
  [...root.querySelectorAll<HTMLElement>(`${TABBABLE}, ${SUSPENDED}`)].filter(
    (element) =>
      (element.tabIndex >= 0 || element.matches(SUSPENDED)) && element.getClientRects().length > 0,
  );

/** The popover that was opened last. */
const shown = (): HTMLElement | undefined =>
  [...document.querySelectorAll<HTMLElement>(BODY)].at(-1);

/**
 * The element that Tab leads to across the edge of a popover, or null within it and elsewhere.
 *
 * Arguments:
 *   from: the element that has the focus.
 *   back: whether Shift is held.
 *   trigger: the popover's button.
 *   body: what the popover shows, in the order of Tab.
 *   page: what the page has, in the order of Tab.
 */
export function across<Element>(
  from: Element,
  back: boolean,
  trigger: Element,
  body: readonly Element[],
  page: readonly Element[],
): Element | null {
  if (body.length === 0) return null;
  if (from === trigger) return back ? null : body[0];
  if (back && from === body[0]) return trigger;
  if (!back && from === body[body.length - 1]) return page[page.indexOf(trigger) + 1] ?? trigger;
  return null;
}

/** Moves the focus into a popover that was opened by key, and across its edges with Tab. */
export class PopoverFocus {
  private readonly click = (event: MouseEvent) => this.opened(event);
  private readonly press = (event: KeyboardEvent) => this.tab(event);
  /** A popover that showed no control in time: Tab goes past it. */
  private empty: HTMLElement | undefined;

  constructor() {
    document.addEventListener("click", this.click, true);
    document.addEventListener("keydown", this.press, true);
  }

  stop(): void {
    document.removeEventListener("click", this.click, true);
    document.removeEventListener("keydown", this.press, true);
  }

  private opened({ target, detail }: MouseEvent): void {
    const trigger = target instanceof Element ? target.closest(TRIGGER) : null;
    const closes = trigger?.getAttribute("aria-expanded") === "true";
    if (trigger && !closes && detail === 0) this.enter(performance.now() + PATIENCE_MS); // 0: by key
  }

  /** Waits for the popover's first control; gives up when the focus has gone elsewhere. */
  private enter(until: number): void {
    requestAnimationFrame((now) => {
      const { activeElement } = document;
      if (activeElement !== document.body && !activeElement?.matches(TRIGGER)) return;
      const body = shown();
      const first = body ? tabbable(body)[0] : undefined;
      if (first) first.focus();
      else if (now < until) this.enter(until);
      else this.empty = body;
    });
  }

  private tab(event: KeyboardEvent): void {
    if (event.key !== "Tab") return;
    const trigger = document.querySelector<HTMLElement>(OPEN_TRIGGER); // a rerun may have made it anew
    const body = shown();
    if (!trigger || !body) return;
    const { activeElement } = document;
    // A rerun that makes the button anew loses the focus: Tab goes on from where it was.
    const lost = !activeElement || activeElement === document.body;
    const from = lost ? trigger : (activeElement as HTMLElement);
    const controls = tabbable(body);
    if (from === trigger && !event.shiftKey && controls.length === 0 && body !== this.empty) {
      event.preventDefault();
      this.enter(performance.now() + PATIENCE_MS);
      return;
    }
    const page = tabbable(document).filter((element) => !body.contains(element));
    const to = across(from, event.shiftKey, trigger, controls, page);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation(); // or the popover, whose own order ends with it, would move the focus as well
    if (body.contains(from) && to !== trigger) trigger.click(); // left for good: it would cover what follows
    to.focus();
  }
}
