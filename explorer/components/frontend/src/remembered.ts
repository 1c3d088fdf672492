// Choices of how things are shown that outlast the page, in the browser's own storage.
const PREFIX = "latent-explorer.";

/** The value that was last kept under a name, where it is one of the options; else the fallback. */
export function remembered<T extends string>(
  name: string,
  options: readonly T[],
  fallback: T,
  storage: () => Pick<Storage, "getItem"> = () => localStorage,
): T {
  try {
    const value = storage().getItem(PREFIX + name);
    return options.find((option) => option === value) ?? fallback;
  } catch {
    return fallback; // storage may be forbidden
  }
}

/** Keeps a value under a name; where storage is forbidden it lasts as long as the page. */
export function remember(
  name: string,
  value: string,
  storage: () => Pick<Storage, "setItem"> = () => localStorage,
): void {
  try {
    storage().setItem(PREFIX + name, value);
  } catch {
    return;
  }
}
