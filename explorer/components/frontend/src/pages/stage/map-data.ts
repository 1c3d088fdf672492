// What the stage's map shows: the items' places and what they are coloured by.
import { type MapPoints, mapPoints } from "../../core/map-points";
import type { Resource } from "../../core/resource";
import type { Shell } from "../../core/shell";
import type { Theme } from "../../theme";
import type { ColourInfo, StageData } from "../../types";
import { MapColours } from "../../ui/colouring";
import { Places } from "./model";
import type { StageParts } from "./parts";

/** The address of a map together with the values that its points are coloured by. */
export const withColour = (url: string, name: string): string =>
  `${url}${url.includes("?") ? "&" : "?"}colour=${encodeURIComponent(name)}`;

export interface MapDataContext {
  readonly shell: Shell;
  parts(): StageParts;
  data(): StageData;
  resource<T>(): Resource<T>;
  /** The places are here; `goHome`: on another map, where the handles' places mean nothing. */
  arrived(places: Places, goHome: boolean): void;
}

export class MapData {
  /** The places of the map that is shown; null while a model's first map is on its way. */
  xy: Float32Array | null = null;
  /** Where items stand on it, own pictures among them. */
  places: Places | null = null;
  /** Whether they are those of the map that the server has open. */
  placed = false;
  private theme: Theme | null = null;
  private readonly geometry: Resource<MapPoints>;
  /** What is on its way together with the map. */
  private joined: ColourInfo | null = null;
  private readonly colours: MapColours;

  constructor(private readonly on: MapDataContext) {
    this.geometry = on.resource();
    this.colours = new MapColours(
      on.resource(),
      () => this.recolour(),
      (message) => on.shell.banner.fail(message),
    );
  }

  /** Another model: nothing that is known is true of it. */
  forget(): void {
    this.geometry.cancel();
    this.joined = null;
    this.colours.forget();
    this.xy = null;
    this.places = null;
    this.on.parts().map.setShading(null);
  }

  /** A person's own pictures have changed. */
  renewOwn(): void {
    if (this.xy) this.places = new Places(this.xy, this.on.data().own);
  }

  load(goHome = false): void {
    const { view, model, colour } = this.on.data();
    const { map } = this.on.parts();
    if (!this.xy) map.setNote("Loading the map…");
    // The first map brings its colours with it, in one answer.
    this.joined = !this.xy && colour?.with_map ? colour : null;
    const { joined } = this;
    this.geometry.load({
      url: joined ? withColour(view.url, joined.name) : view.url,
      what: "The map",
      read: mapPoints(model.count, "The map"),
      done: (points) => this.take(points, joined, goHome),
      failed: (message) => {
        map.setNote(this.xy ? "" : "The map could not be loaded.");
        this.on.shell.fail(message);
      },
    });
  }

  private take({ xy, values }: MapPoints, joined: ColourInfo | null, goHome: boolean): void {
    const { map, selecting } = this.on.parts();
    if (!xy) {
      this.on.shell.fail("The map has no positions.");
      return;
    }
    this.xy = xy;
    this.places = new Places(xy, this.on.data().own);
    this.placed = true;
    selecting.setGeometry(xy);
    this.recolour();
    map.setGeometry(xy);
    this.on.arrived(this.places, goHome);
    if (joined && values && joined.url === this.on.data().colour?.url)
      this.colours.take(joined, values);
    this.joined = null;
    this.loadColour();
  }

  loadColour(): void {
    const { colour, model } = this.on.data();
    if (colour && this.joined?.url === colour.url) return;
    this.colours.load(colour, model.count);
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.on.parts().map.setTheme(theme);
    this.colours.setTheme(theme);
  }

  private recolour(): void {
    this.on.parts().legend.show(this.colours.shading?.legend ?? { kind: "none" });
    this.shade();
  }

  /** Colours the map: the legend's choice and the selection stand out. */
  shade(): void {
    if (!this.theme) return;
    const { map, selecting, legend } = this.on.parts();
    const { plain } = this.theme;
    selecting.shade(this.colours.shading, legend.shades, plain, (shading, lit) => {
      // With a selection all points can still be pointed at, to add to it.
      map.setPicked(lit, !selecting.any);
      map.setShading(shading);
    });
  }
}
