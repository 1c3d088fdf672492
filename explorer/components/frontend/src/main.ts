// The entry that Streamlit mounts: one stage a parent element, updated in place on every rerun.

import { replaceWithinPage } from "./history-entries";
import { Stage } from "./stage";
import css from "./stage.css";
import type { StageData } from "./types";

/** What Streamlit's components (v2) hand to a component. */
interface Component {
  data: StageData;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue(name: string, value: unknown): void;
  setTriggerValue(name: string, value: unknown): void;
  key: string;
  name: string;
}

const STYLE_ID = "lx-stage-style";
/** How long a stage whose clean-up was called, but whose element stays, waits for its successor. */
const GRACE_MS = 60;

interface Mounted {
  stage: Stage;
  /** Counts the calls, so that the clean-up of an outdated one does nothing. */
  calls: number;
}

const mounted = new WeakMap<object, Mounted>();

function addStyle(): void {
  const known = document.getElementById(STYLE_ID);
  if (known?.textContent === css) return;
  const style = known ?? document.createElement("style");
  style.id = STYLE_ID;
  style.textContent = css;
  if (!known) document.head.append(style);
}

/**
 * Mounts the stage into the component's element, or updates the one that is there.
 *
 * Returns the clean-up that Streamlit calls when the component goes away. Streamlit also calls it
 * for a run that a newer one has overtaken, so it only takes the stage down when no newer call has
 * come; while the element is still on the page it gives that call a moment.
 */
export function mount(component: Component): () => void {
  addStyle();
  replaceWithinPage(history, () => location.href);
  const parent = component.parentElement;
  const publish = (edit: unknown) => component.setStateValue("edit", edit);
  let entry = mounted.get(parent);
  if (entry) entry.stage.update(component.data, publish);
  else {
    entry = { stage: new Stage(parent as HTMLElement, component.data, publish), calls: 0 };
    mounted.set(parent, entry);
  }
  const own = entry;
  const call = ++own.calls;
  const takeDown = () => {
    if (own.calls !== call || mounted.get(parent) !== own) return;
    mounted.delete(parent);
    own.stage.dispose();
  };
  return () => {
    if (parent.isConnected) setTimeout(takeDown, GRACE_MS);
    else takeDown();
  };
}

export default mount;
