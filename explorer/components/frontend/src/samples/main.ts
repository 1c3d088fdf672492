// The entry that Streamlit mounts: pictures to click.
import { replaceWithinPage } from "../history-entries";
import { type Component, mounter } from "../mount";
import stageCss from "../stage.css";
import { Gallery } from "./gallery";
import css from "./samples.css";
import type { Clicked, GalleryData } from "./types";

const mountGallery = mounter<GalleryData, Clicked>(
  "edit",
  [stageCss, css],
  (parent, data, publish) => new Gallery(parent, data, publish),
);

/** Mounts the gallery into the component's element, or updates the one that is there. */
export function mount(component: Component<GalleryData>): () => void {
  replaceWithinPage(history, () => location.href);
  return mountGallery(component);
}

export default mount;
