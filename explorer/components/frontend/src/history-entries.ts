// Keeps the browser's Back button useful: an edit changes the address, it opens no page.

/** What is needed of the browser's `History`, so that it can be tested without one. */
export interface Entries {
  pushState(state: unknown, unused: string, url?: string | URL | null): void;
  replaceState(state: unknown, unused: string, url?: string | URL | null): void;
}

const done = new WeakSet<Entries>();

/**
 * Makes a new address of the same page replace the present entry of the history.
 *
 * Streamlit adds an entry each time Python writes the address, which is at every release of the
 * hand; Back would lead through all of them, and Python would write the newest one again.
 */
export function replaceWithinPage(history: Entries, here: () => string): void {
  if (done.has(history)) return;
  done.add(history);
  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const from = new URL(here());
    const to = new URL(url ?? from, from);
    if (to.origin === from.origin && to.pathname === from.pathname)
      history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
}
