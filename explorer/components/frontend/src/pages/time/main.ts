// The entry that Streamlit mounts: a sequence, the belief in it and the futures it may have.

import { replaceWithinPage } from "../../history-entries";
import { type Component, mounter } from "../../mount";
import { Time } from "./page";
import type { Release, TimeData } from "./types";

const mountTime = mounter<TimeData, Release>(
  "edit",
  (parent, data, publish) => new Time(parent, data, publish),
);

/** Mounts the sequence into the component's element, or updates the one that is there. */
export function mount(component: Component<TimeData>): () => void {
  replaceWithinPage(history, () => location.href);
  return mountTime(component);
}

export { ready } from "../../styles";

export default mount;
