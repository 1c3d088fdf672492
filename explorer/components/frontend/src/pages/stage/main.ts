// The entry that Streamlit mounts: the stage.

import { replaceWithinPage } from "../../history-entries";
import { type Component, mounter } from "../../mount";
import type { StageData } from "../../types";
import { Stage } from "./page";
import type { Release } from "./release";
import { Timeline } from "./timeline";

const timeline = new Timeline(history);
// Ahead of Streamlit, which reruns the page at each entry that it hears of.
addEventListener("popstate", (event) => timeline.popped(event), true);

const mountStage = mounter<StageData, Release>(
  "edit",
  (parent, data, publish, tell) => new Stage(parent, data, publish, tell, timeline),
);

/** Mounts the stage into the component's element, or updates the one that is there. */
export function mount(component: Component<StageData>): () => void {
  replaceWithinPage(
    history,
    () => location.href,
    () => timeline.leave(),
    () => timeline.attached,
  );
  return mountStage(component);
}

export { ready } from "../../styles";

export default mount;
