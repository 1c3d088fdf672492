// Mounts a component that Streamlit shows: one a parent element, updated in place on every rerun.

/** What Streamlit's components (v2) hand to a component. */
export interface Component<Data> {
  data: Data;
  parentElement: HTMLElement | ShadowRoot;
  setStateValue(name: string, value: unknown): void;
  setTriggerValue(name: string, value: unknown): void;
  key: string;
  name: string;
}

/** A component that stands on the page. */
export interface Standing<Data, Publish> {
  update(data: Data, publish: Publish): void;
  dispose(): void;
}

/** How long a component whose clean-up was called, but whose element stays, waits for its successor. */
const GRACE_MS = 60;

interface Mounted<Data, Publish> {
  part: Standing<Data, Publish>;
  /** Sets a state by name, over the newest call. */
  tell: (name: string, value: unknown) => void;
  /** Counts the calls, so that the clean-up of an outdated one does nothing. */
  calls: number;
}

/**
 * Makes the function that Streamlit calls: it mounts into the component's element, or updates what
 * is there.
 *
 * It returns the clean-up that Streamlit calls when the component goes away. Streamlit also calls
 * it for a run that a newer one has overtaken, so it only takes the component down when no newer
 * call has come; while the element is still on the page it gives that call a moment.
 *
 * Arguments:
 *   state: the name under which the component tells its state.
 *   make: makes the component in an element; `tell` sets another state of its, by name.
 */
export function mounter<Data, Value>(
  state: string,
  make: (
    parent: HTMLElement,
    data: Data,
    publish: (value: Value) => void,
    tell: (name: string, value: unknown) => void,
  ) => Standing<Data, (value: Value) => void>,
): (component: Component<Data>) => () => void {
  const mounted = new WeakMap<object, Mounted<Data, (value: Value) => void>>();
  return (component) => {
    const parent = component.parentElement;
    const publish = (value: Value) => component.setStateValue(state, value);
    let entry = mounted.get(parent);
    const tell = (name: string, value: unknown) => component.setStateValue(name, value);
    if (entry) {
      entry.tell = tell;
      entry.part.update(component.data, publish);
    } else {
      const passOn = (name: string, value: unknown) =>
        (mounted.get(parent)?.tell ?? tell)(name, value);
      entry = {
        part: make(parent as HTMLElement, component.data, publish, passOn),
        tell,
        calls: 0,
      };
      mounted.set(parent, entry);
    }
    const own = entry;
    const call = ++own.calls;
    const takeDown = () => {
      if (own.calls !== call || mounted.get(parent) !== own) return;
      mounted.delete(parent);
      own.part.dispose();
    };
    return () => {
      if (parent.isConnected) setTimeout(takeDown, GRACE_MS);
      else takeDown();
    };
  };
}
