// The entry that Streamlit mounts: the grid to paint on, or the samples of a prior.
import { replaceWithinPage } from "../../history-entries";
import { type Component, mounter } from "../../mount";
import { CodeGrid } from "./page";
import { Samples } from "./samples";
import type { Clicked, Data, GridData, Release, SamplesData } from "./types";

const mountGrid = mounter<GridData, Release>(
  "edit",
  (parent, data, publish) => new CodeGrid(parent, data, publish),
);
const mountSamples = mounter<SamplesData, Clicked>(
  "edit",
  (parent, data, publish) => new Samples(parent, data, publish),
);

/** Mounts the part that the data asks for, or updates the one that is there. */
export function mount(component: Component<Data>): () => void {
  replaceWithinPage(history, () => location.href);
  return component.data.part === "samples"
    ? mountSamples(component as Component<SamplesData>)
    : mountGrid(component as Component<GridData>);
}

export { ready } from "../../styles";

export default mount;
