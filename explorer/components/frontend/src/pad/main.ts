// The entry that Streamlit mounts: the drawing pad.
import { type Component, mounter } from "../mount";
import stageCss from "../stage.css";
import { Pad, type PadData } from "./pad";
import css from "./pad.css";

const mountPad = mounter<PadData, string>(
  "drawing",
  [stageCss, css],
  (parent, data, publish) => new Pad(parent, data, publish),
);

/** Mounts the pad into the component's element, or updates the one that is there. */
export function mount(component: Component<PadData>): () => void {
  return mountPad(component);
}

export default mount;
