// What Python tells the gallery, and what it hears back.
import type { Shape } from "../messages.gen";

export interface GalleryData {
  shape: Shape;
  /** Tells one set of pictures from the next. */
  made: string;
  /** All pictures, in rows of `columns`. */
  sheet: string;
  count: number;
  columns: number;
  /** One line under each picture; none for a sheet without. */
  captions: string[];
  /** How far each picture is off the data, 0 to 100; none where it is not known. */
  percentile: number[];
  /** A name before each row; none where rows mean nothing and break as the window asks. */
  rows: string[];
  /** Names over the columns. */
  heads: string[];
  /** The picture that is looked at. */
  selected: number | null;
}

/** A click on a picture; `click` tells two on the same apart. */
export interface Clicked {
  made: string;
  index: number;
  click: number;
}
