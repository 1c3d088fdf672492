// The entry that Streamlit mounts: the drawing pad.
import { type Component, mounter } from "../mount";
import { Pad, type PadData } from "./pad";

const mountPad = mounter<PadData, string>(
  "drawing",
  (parent, data, publish) => new Pad(parent, data, publish),
);

/** Mounts the pad into the component's element, or updates the one that is there. */
export function mount(component: Component<PadData>): () => void {
  return mountPad(component);
}

export { ready } from "../styles";

export default mount;
