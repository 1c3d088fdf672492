// The entry that Streamlit mounts on every page: what pages need beyond their own components.
import { type Component, mounter } from "../mount";
import { Offline } from "./offline";
import { PopoverFocus } from "./popover-focus";

const mountShell = mounter<unknown, never>("state", (parent) => {
  const offline = new Offline(parent);
  const focus = new PopoverFocus();
  return {
    update: () => {},
    dispose: () => {
      offline.stop();
      focus.stop();
    },
  };
});

/** Mounts the shell, or leaves the one that is there. */
export function mount(component: Component<unknown>): () => void {
  return mountShell(component);
}

export { ready } from "../styles";

export default mount;
