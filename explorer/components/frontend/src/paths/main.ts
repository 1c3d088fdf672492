// The entry that Streamlit mounts: ways that play side by side.
import { replaceWithinPage } from "../history-entries";
import { type Component, mounter } from "../mount";
import { Player } from "./player";
import type { PathsData } from "./types";

const mountPlayer = mounter<PathsData, never>("edit", (parent, data) => new Player(parent, data));

/** Mounts the player into the component's element, or updates the one that is there. */
export function mount(component: Component<PathsData>): () => void {
  replaceWithinPage(history, () => location.href);
  return mountPlayer(component);
}

export { ready } from "../styles";

export default mount;
