// One tab stop for a row of controls: arrow keys, Home and End go from one to the next.

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };

/** The index that a key leads to among `count` controls, around the ends; null for another key. */
export function next(key: string, index: number, count: number): number | null {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = STEPS[key];
  return step === undefined || count === 0 ? null : (index + step + count) % count;
}

/** Lets Tab reach one control of a row, the one that had the focus last; `selector` finds them. */
export function roving(row: HTMLElement, selector: string): void {
  const usable = () =>
    [...row.querySelectorAll<HTMLElement>(selector)].filter((each) => !each.matches(":disabled"));
  const reach = (reached: Element | null) => {
    for (const each of row.querySelectorAll<HTMLElement>(selector))
      each.tabIndex = each === reached ? 0 : -1;
  };
  row.addEventListener("focusin", ({ target }) => {
    if (target instanceof Element && target.matches(selector)) reach(target);
  });
  row.addEventListener("keydown", (event) => {
    const controls = usable();
    const at = controls.indexOf(event.target as HTMLElement);
    const to =
      at < 0 || event.ctrlKey || event.metaKey || event.altKey
        ? null
        : next(event.key, at, controls.length);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    controls[to].focus();
  });
  // A control that can be used now, or no longer: there is always one that Tab reaches.
  const look = () => {
    const controls = usable();
    if (!controls.some((each) => each.tabIndex === 0)) reach(controls[0] ?? null);
  };
  new MutationObserver(look).observe(row, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ["disabled"],
  });
  const [first] = row.querySelectorAll<HTMLElement>(selector);
  reach(usable()[0] ?? first ?? null);
}
