// The entry that Streamlit mounts: the comparison.

import { replaceWithinPage } from "../../history-entries";
import { type Component, mounter } from "../../mount";
import { Compare, type Release } from "./page";
import type { CompareData } from "./types";

const mountCompare = mounter<CompareData, Release>(
  "state",
  (parent, data, publish) => new Compare(parent, data, publish),
);

/** Mounts the comparison into the component's element, or updates the one that is there. */
export function mount(component: Component<CompareData>): () => void {
  replaceWithinPage(history, () => location.href);
  return mountCompare(component);
}

export { ready } from "../../styles";

export default mount;
