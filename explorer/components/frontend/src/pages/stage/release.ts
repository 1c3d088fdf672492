// What the stage tells Python.
import type { Message } from "../../core/edit-store";
import type { Edit } from "../../types";

/** An edit, where it was made, and what goes along with every edit. */
export type Release = Edit &
  Message & {
    model: string;
    view: string;
    colour: string | null;
    /** Whether Python must go to this model, map and colour: undo, redo, Back or Forward leads there. */
    restore: boolean;
  };
/** Tells Streamlit another state of the stage, by name. */
export type Tell = (name: string, value: unknown) => void;
/** Tells Streamlit the edit; called when a gesture ends, never during it. */
export type Publish = (release: Release) => void;
