// The browser's history: within a page only the stage adds entries; the address is replaced in place.

/** What is needed of the browser's `History`, so that it can be tested without one. */
export interface Entries {
  readonly state: unknown;
  pushState(state: unknown, unused: string, url?: string | URL | null): void;
  replaceState(state: unknown, unused: string, url?: string | URL | null): void;
}

/** Where an entry's state holds what the stage showed. */
const KEY = "latentExplorer";
const wrapped = new WeakSet<Entries>();

/** What the stage stored in an entry's state; undefined where there is none. */
export const storedIn = (state: unknown): unknown =>
  typeof state === "object" && state !== null ? (state as Record<string, unknown>)[KEY] : undefined;

/**
 * Makes a new address of the same page replace the present entry of the history.
 *
 * Streamlit adds an entry each time Python writes the address, late and once per rerun; the stage
 * adds one per change itself (`addEntry`). What the stage stored in an entry survives a new address.
 *
 * Arguments:
 *   history: The browser's.
 *   here: Gives the present address.
 *   leaves: Called when an entry for another page is added.
 *   owned: Whether somebody else sees to the page's address (`setAddress`); Streamlit's is then left out.
 */
export function replaceWithinPage(
  history: Entries,
  here: () => string,
  leaves: () => void = () => {},
  owned: () => boolean = () => false,
): void {
  if (wrapped.has(history)) return;
  wrapped.add(history);
  const push = history.pushState.bind(history);
  const replace = history.replaceState.bind(history);
  const isSamePage = (url?: string | URL | null): boolean => {
    const from = new URL(here());
    const to = new URL(url ?? from, from);
    return to.origin === from.origin && to.pathname === from.pathname;
  };
  history.pushState = (state, unused, url) => {
    const within = isSamePage(url);
    if (!within) leaves();
    if (within && storedIn(state) === undefined) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
  history.replaceState = (state, unused, url) => {
    const within = isSamePage(url) && storedIn(state) === undefined;
    if (within && owned()) return;
    const stored = storedIn(history.state);
    const kept = stored !== undefined && within;
    replace(kept ? { ...(state as object | null), [KEY]: stored } : state, unused, url);
  };
}

/** Adds an entry at the present address that stores a value. */
export function addEntry(history: Entries, value: unknown): void {
  history.pushState({ [KEY]: value }, "");
}

/** Gives the present entry, which stores a value, another query; options of an embedded page stay. */
export function setAddress(history: Entries, here: string, query: string): void {
  const url = new URL(here);
  const wanted = new URLSearchParams(query);
  for (const [key, value] of url.searchParams) if (/^embed/.test(key)) wanted.append(key, value);
  // As Python writes it: commas and colons stand for themselves in a query.
  const search = wanted.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  if (url.search !== `?${search}`)
    history.replaceState(history.state, "", `${url.pathname}?${search}`);
}

/** Stores a value in the present entry. */
export function storeInEntry(history: Entries, value: unknown): void {
  history.replaceState({ ...(history.state as object | null), [KEY]: value }, "");
}
