// What the stage's map shows: the items' places and what they are coloured by.
import type { Resource } from "../../core/resource";
import { floats } from "../../core/resource";
import type { Shell } from "../../core/shell";
import type { Theme } from "../../theme";
import type { StageData } from "../../types";
import { MapColours } from "../../ui/colouring";
import { Places } from "./model";
import type { StageParts } from "./parts";

export interface MapDataContext {
  readonly shell: Shell;
  parts(): StageParts;
  data(): StageData;
  resource(): Resource<Float32Array>;
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
  private readonly geometry: Resource<Float32Array>;
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
    const { view, model } = this.on.data();
    const { map } = this.on.parts();
    if (!this.xy) map.setNote("Loading the map…");
    this.geometry.load({
      url: view.url,
      what: "The map",
      read: floats(2 * model.count, "The map"),
      done: (xy) => this.take(xy, goHome),
      failed: (message) => {
        map.setNote(this.xy ? "" : "The map could not be loaded.");
        this.on.shell.fail(message);
      },
    });
  }

  private take(xy: Float32Array, goHome: boolean): void {
    const { map, selecting } = this.on.parts();
    this.xy = xy;
    this.places = new Places(xy, this.on.data().own);
    this.placed = true;
    selecting.setGeometry(xy);
    this.recolour();
    map.setGeometry(xy);
    this.on.arrived(this.places, goHome);
  }

  loadColour(): void {
    const { colour, model } = this.on.data();
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
    const { shading, lit } = selecting.shade(this.colours.shading, legend.shades, plain);
    // With a selection all points can still be pointed at, to add to it.
    map.setPicked(lit, !selecting.any);
    map.setShading(shading);
  }
}
