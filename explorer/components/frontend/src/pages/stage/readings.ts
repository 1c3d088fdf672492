// What is asked for once a frame is painted: nearest images, likelihoods and the sliders' tracks.
import type { Shell } from "../../core/shell";
import type { Pane } from "../../map/pane";
import { type Edit, HANDLE_NAMES, type HandleName, type StageData } from "../../types";
import type { Pictures } from "../../ui/pictures-of-items";
import { TrackLoader } from "./along";
import type { Filmstrip } from "./filmstrip";
import { bitsPerDim, LikelihoodLoader, type Likelihoods } from "./likelihood";
import { copyEdit } from "./model";
import type { Sliders } from "./sliders";

const NEAREST_MS = 90;

export interface ReadingsContext {
  readonly shell: Shell;
  readonly items: Pictures;
  readonly panes: Record<HandleName, Pane>;
  readonly film: Filmstrip;
  readonly sliders: Sliders;
  data(): StageData;
  edit(): Edit;
  /** Something to be asked for again with the connection, and on demand. */
  watch(loader: { renew(): void }): void;
}

export class Readings {
  private readonly likelihoods: LikelihoodLoader;
  private readonly tracks: TrackLoader;

  constructor(private readonly on: ReadingsContext) {
    this.likelihoods = new LikelihoodLoader(
      (found) => this.showLikelihoods(found),
      (message) => on.shell.banner.fail(message),
    );
    this.tracks = new TrackLoader(
      (tracks) => on.sliders.setTracks(tracks),
      () => on.sliders.setTracks(null), // a lost connection has a banner already
    );
    on.watch(this.likelihoods);
    on.watch(this.tracks);
    on.shell.scope.add(() => this.cancel());
  }

  private cancel(): void {
    this.likelihoods.cancel();
    this.tracks.cancel();
  }

  /** Another model: what was measured means nothing. */
  forget(): void {
    this.cancel();
    this.showLikelihoods(null);
    this.on.sliders.setTracks(null);
  }

  /** Asks for everything again: the pictures have changed. */
  ask(): void {
    this.showOriginals();
    this.askNearest();
    this.askLikelihood();
    this.askTracks();
  }

  askTracks(): void {
    const { along, directions } = this.on.data();
    if (directions.length > 0) this.tracks.ask(along, copyEdit(this.on.edit()));
  }

  private askNearest(): void {
    const { scheduler } = this.on.shell;
    if (scheduler.waits("nearest")) return;
    scheduler.after("nearest", NEAREST_MS, () => {
      const items = HANDLE_NAMES.map((name) => this.on.panes[name].reading?.nearest);
      this.on.items.want(
        "nearest",
        items.filter((item) => item !== undefined),
      );
    });
  }

  private askLikelihood(): void {
    const { likelihood } = this.on.data();
    if (likelihood === null) return;
    for (const name of HANDLE_NAMES) this.on.panes[name].staleLikelihood();
    this.on.film.staleLikelihood();
    this.likelihoods.ask(likelihood, copyEdit(this.on.edit()));
  }

  private showLikelihoods(found: Likelihoods | null): void {
    const [channels, height, width] = this.on.data().model.shape;
    const bits = (nats: number) => bitsPerDim(nats, channels * height * width);
    for (const name of HANDLE_NAMES)
      this.on.panes[name].showLikelihood(found?.[name] ?? null, bits(found?.[name] ?? 0));
    this.on.film.showLikelihood(found ? found.strip.map(bits) : []);
  }

  /** Shows the nearest images and a person's own originals, as far as they have come. */
  showItems(): void {
    for (const name of HANDLE_NAMES) {
      const nearest = this.on.panes[name].reading?.nearest;
      if (nearest !== undefined) this.on.panes[name].showNearest(this.on.items.get(nearest));
    }
    this.showOriginals();
  }

  private showOriginals(): void {
    const own = this.on.data().own.map(({ item }) => item);
    for (const name of HANDLE_NAMES) {
      const { item } = this.on.edit()[name];
      this.on.panes[name].showOriginal(own.includes(item) ? this.on.items.get(item) : undefined);
    }
  }
}
