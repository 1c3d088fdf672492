// The entry that Streamlit mounts: the live image, or the board of two divergences.

import { replaceWithinPage } from "../../history-entries";
import { type Component, mounter } from "../../mount";
import { Divergence } from "./divergence";
import { Anatomy } from "./page";
import type { AnatomyData, Data, DivergenceData, Release } from "./types";

const mountImage = mounter<AnatomyData, Release>(
  "edit",
  (parent, data, publish) => new Anatomy(parent, data, publish),
);
const mountDivergence = mounter<DivergenceData, never>("edit", (parent) => new Divergence(parent));

/** Mounts the part that the data asks for, or updates the one that is there. */
export function mount(component: Component<Data>): () => void {
  replaceWithinPage(history, () => location.href);
  return component.data.part === "divergence"
    ? mountDivergence(component as Component<DivergenceData>)
    : mountImage(component as Component<AnatomyData>);
}

export { ready } from "../../styles";

export default mount;
