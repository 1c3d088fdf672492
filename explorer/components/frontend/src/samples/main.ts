// The entry that Streamlit mounts: pictures to click.
import { replaceWithinPage } from "../history-entries";
import { addStyles, type Component, mounter } from "../mount";
import stageCss from "../stage.css";
import { Gallery } from "./gallery";
import css from "./samples.css";
import type { Clicked, GalleryData } from "./types";

const mountGallery = mounter<GalleryData, Clicked>(
  "edit",
  (parent, data, publish) => new Gallery(parent, data, publish),
);

/** Mounts the gallery into the component's element, or updates the one that is there. */
export function mount(component: Component<GalleryData>): () => void {
  addStyles({ "lx-stage-style": stageCss, "lx-samples-style": css });
  replaceWithinPage(history, () => location.href);
  return mountGallery(component);
}

export default mount;
