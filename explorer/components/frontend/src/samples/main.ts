// The entry that Streamlit mounts: pictures to click.
import { replaceWithinPage } from "../history-entries";
import { type Component, mounter } from "../mount";
import { Gallery } from "./gallery";
import type { Clicked, GalleryData } from "./types";

const mountGallery = mounter<GalleryData, Clicked>(
  "edit",
  (parent, data, publish) => new Gallery(parent, data, publish),
);

/** Mounts the gallery into the component's element, or updates the one that is there. */
export function mount(component: Component<GalleryData>): () => void {
  replaceWithinPage(history, () => location.href);
  return mountGallery(component);
}

export { ready } from "../styles";

export default mount;
