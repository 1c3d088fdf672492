// What the points of maps are coloured by: fetched, and shaded anew with every theme.
import { mapValues } from "../core/map-points";
import type { Resource } from "../core/resource";
import type { Shading } from "../map/colours";
import { Latest } from "../map/over-points";
import type { Theme } from "../theme";
import type { ColourInfo, Colouring } from "../types";

export class MapColours {
  /** Null in one colour, and until the values are here. */
  shading: Shading | null = null;
  private colouring: Colouring | null = null;
  private theme: Theme | null = null;
  private readonly work = new Latest();

  /**
   * Arguments:
   *   changed: called with every new shading.
   *   failed: the values could not be had, and why.
   */
  constructor(
    private readonly resource: Resource<Float32Array>,
    private readonly changed: () => void,
    private readonly failed: (message: string) => void,
  ) {}

  /** Takes what the points are coloured by; null for one colour. */
  load(info: ColourInfo | null, count: number): void {
    if (!info) {
      this.forget();
      this.shade();
      return;
    }
    if (info.url === this.colouring?.info.url) {
      this.resource.cancel(); // of another colour, which nobody waits for any more
      return;
    }
    this.resource.load({
      url: info.url,
      what: info.title,
      read: mapValues(count, info.title),
      done: (values) => this.take(info, values),
      failed: this.failed,
    });
  }

  /** Values that came with something else, and need not be fetched. */
  take(info: ColourInfo, values: Float32Array): void {
    this.colouring = { info, values };
    this.shade();
  }

  /** Other points: the values of the former ones do not fit. */
  forget(): void {
    this.resource.cancel();
    this.work.cancel();
    this.colouring = null;
    this.shading = null;
  }

  setTheme(theme: Theme): void {
    this.theme = theme;
    this.shade();
  }

  private shade(): void {
    const { colouring, theme } = this;
    if (!theme) return;
    if (!colouring) {
      this.work.cancel();
      this.use(null);
      return;
    }
    const { info, values } = colouring;
    const { title, labels } = info;
    this.work.ask(
      values.length,
      "shadeBy",
      [values, info.kind, title, labels ?? [], theme.tone, theme.missing],
      (shading) => this.use(shading),
    );
  }

  private use(shading: Shading | null): void {
    this.shading = shading;
    this.changed();
  }
}
