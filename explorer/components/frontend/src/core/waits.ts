// How long the live components wait before they say something, in milliseconds.

/** After the last key of a row of keys, before what they did is told. */
export const KEY_COMMIT_MS = 300;
/** After the last change, before a screen reader hears of it. */
export const ANNOUNCE_MS = 450;
/** Between two attempts to tell a server that has come back. */
export const TELL_MS = 1500;
export const TELL_TRIES = 40;
