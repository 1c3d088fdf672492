// The map of two dimensions with the handle z: where the code stands, and how the hand turns it.
import type { EditStore, Gesture } from "../../core/edit-store";
import type { Shell } from "../../core/shell";
import { type Choice, h, segmented } from "../../dom";
import { Knob } from "../../knob";
import { shadePlain } from "../../map/colours";
import { HoverCard } from "../../map/hover";
import { MapView } from "../../map/map";
import type { Theme } from "../../theme";
import type { Pictures } from "../../ui/pictures-of-items";
import { figure } from "./figures";
import { turned } from "./model";
import { aroundPosterior, aroundPrior, Plane, type Posterior } from "./plane";
import type { AnatomyData, Edit } from "./types";
import type { At, Pair } from "./wire";

const HOVER_MS = 40;
type Zoom = "posterior" | "prior";

const subscript = (dimension: number): string =>
  [...String(dimension)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");

export interface CodeMapContext {
  readonly shell: Shell;
  readonly edits: EditStore<Edit>;
  data(): AnatomyData;
  items(): Pictures;
  /** The code was turned, by an event at `stamp` (null: not the hand's doing). */
  changed(stamp: number | null): void;
  announce(): void;
  /** An item was clicked. */
  pick(item: number, stamp: number): void;
}

export class CodeMap {
  readonly map: MapView;
  readonly knob: Knob;
  readonly hoverCard = new HoverCard();
  /** Where the item's code stands in the view; null until an answer has told. */
  at: At | null = null;
  private readonly plane = new Plane();
  private readonly zooms: Choice<Zoom>;
  private zoom: Zoom = "posterior";
  /** What the map was last moved to. */
  private framed = "";

  constructor(private readonly on: CodeMapContext) {
    this.map = new MapView({
      hover: (item, x, y) => this.hover(item, x, y),
      pick: (item, stamp) => this.pick(item, stamp),
      beside: () => {},
      item: (item) => on.items().get(item),
      moved: () => this.follow(),
    });
    this.map.setBeside("off");
    this.zooms = segmented<Zoom>(
      "What the map shows",
      [
        ["posterior", "Posterior"],
        ["prior", "Prior"],
      ],
      (zoom) => this.lookAt(zoom),
    );
    this.knob = this.makeKnob();
    const { map } = this;
    map.element.insertBefore(this.plane.element, map.knobs);
    map.element.append(
      h("div", { class: "map-zooms" }, this.zooms.element),
      this.plane.overview as unknown as HTMLElement,
      this.hoverCard.element,
    );
    map.knobs.append(this.knob.element);
    on.shell.scope.add(this.knob.stop);
    on.shell.scope.add(() => map.stop());
  }

  // What is shown

  showModel(): void {
    const { model, dims, probabilistic } = this.on.data();
    const flat = dims[1] >= model.latent;
    const names = flat ? ` ${dims[0]}` : `s ${dims[0]} and ${dims[1]}`;
    this.map.setAxes(`Dimension ${dims[0]}`, flat ? "Jitter: no meaning" : `Dimension ${dims[1]}`);
    this.map.setLabel(
      `Map of dimension${names} with ${model.count.toLocaleString("en")} codes; ` +
        "arrow keys move it, plus and minus zoom, 0 shows all",
    );
    this.plane.setPrior(probabilistic);
    this.zooms.element.hidden = !probabilistic;
  }

  /** The codes of all images, as a quiet ground. */
  shade(theme: Theme): void {
    this.map.setShading(shadePlain(this.on.data().model.count, theme.missing));
  }

  /** Another image, or another view: the map goes to where its code is. */
  reframe(): void {
    this.framed = "";
  }

  /** Takes where the code stands. */
  show(at: At): void {
    this.at = at;
    this.plane.setPosterior(this.posterior());
    const { model, view } = this.on.data();
    const framed = `${model.name} ${view.id} ${this.on.edits.current.item}`;
    if (this.framed !== framed) {
      this.framed = framed;
      this.lookAt(this.zoom);
    }
    this.follow();
  }

  /** The code stands where the encoder puts it, where no dimension was turned by hand. */
  goToMean(): void {
    if (this.at) this.at = { ...this.at, turn: [0, 0] };
  }

  private posterior(): Posterior | null {
    const { at } = this;
    return at && { mean: at.mean, std: this.on.data().probabilistic ? at.scale : null };
  }

  /** Eps in one of the two dimensions. */
  eps(axis: 0 | 1): number {
    const set = this.on.edits.current.turn[this.on.data().dims[axis]];
    return set ?? this.at?.turn[axis] ?? 0;
  }

  /** Eps of the code in words; empty until an answer has told where it stands. */
  words(): string {
    const { dims, model, probabilistic } = this.on.data();
    const { draw } = this.on.edits.current;
    const symbol = probabilistic ? "ε" : "Δ";
    const axes = dims[1] < model.latent ? ([0, 1] as const) : ([0] as const);
    const eps = (axis: 0 | 1) => `${symbol}${subscript(dims[axis])} = ${figure(this.eps(axis))}`;
    const parts = this.at ? axes.map(eps) : [];
    if (draw !== null) parts.push(`others: draw ${draw}`);
    return parts.join(" · ");
  }

  private code(): Pair | null {
    const { at } = this;
    if (!at) return null;
    const along = (axis: 0 | 1) => at.mean[axis] + at.scale[axis] * this.eps(axis);
    return [along(0), along(1)];
  }

  /** Everything that stands on a place of the map goes with it. */
  follow(): void {
    if (!this.knob) return; // the map measures itself while it is being made
    const code = this.code();
    const { map, plane } = this;
    plane.setCode(code);
    const { clientWidth, clientHeight } = map.element;
    plane.place((x, y) => map.toScreen(x, y), map.shown, [clientWidth, clientHeight]);
    this.knob.element.hidden = !code;
    if (!code) return;
    const [x, y] = map.toScreen(code[0], code[1]);
    this.knob.put(x, y, 0, 0);
  }

  lookAt(zoom: Zoom = this.zoom): void {
    this.zoom = zoom;
    this.zooms.set(zoom);
    const posterior = this.posterior();
    if (!posterior) return;
    if (!posterior.std) this.map.look(null);
    else this.map.look(zoom === "prior" ? aroundPrior(posterior) : aroundPosterior(posterior));
  }

  // The hand

  /** The picture is asked for at once; what stands on the map follows with the display's next frame. */
  private turnTo(x: number, y: number, stamp: number | null): void {
    const { at } = this;
    const { edits, shell } = this.on;
    const { dims, model } = this.on.data();
    if (!at) return;
    const [across, up] = dims;
    const set = { [across]: (x - at.mean[0]) / at.scale[0] };
    if (up < model.latent) set[up] = (y - at.mean[1]) / at.scale[1];
    edits.current = turned(edits.current, set);
    this.on.changed(stamp);
    shell.scheduler.frame("knob", () => this.follow());
  }

  private makeKnob(): Knob {
    const { edits, shell } = this.on;
    let origin: Pair = [0, 0];
    let gesture: Gesture<Edit> | null = null;
    const screen = () => {
      const code = this.code() ?? [0, 0];
      return this.map.toScreen(code[0], code[1]);
    };
    return new Knob("z", {
      place: () => {
        origin = this.map.origin();
        const [x, y] = screen();
        return [origin[0] + x, origin[1] + y];
      },
      start: () => {
        gesture = edits.begin();
        this.hoverCard.hide();
      },
      move: (x, y, stamp) => {
        if (!gesture?.held) return;
        const [mx, my] = this.map.toMap(x - origin[0], y - origin[1]);
        this.turnTo(mx, my, stamp);
      },
      end: () => {
        gesture?.commit();
        this.on.announce();
        shell.scheduler.flush();
      },
      cancel: () => {
        const before = gesture?.cancel();
        if (!before) return;
        edits.current = before;
        this.on.changed(null);
        this.follow();
      },
      nudge: (dx, dy, stamp) => {
        const [x, y] = screen();
        const [mx, my] = this.map.toMap(x + dx, y + dy);
        this.turnTo(mx, my, stamp);
        this.follow();
        edits.commitSoon("keys");
      },
      nudged: () => this.on.announce(),
      activate: () => {
        const code = this.code();
        if (code && !edits.busy) this.map.reveal(code[0], code[1]);
      },
    });
  }

  private pick(item: number, stamp: number): void {
    if (item < 0 || item >= this.on.data().model.count) return;
    this.hoverCard.hide();
    this.on.pick(item, stamp);
  }

  private hover(item: number, x: number, y: number): void {
    const { scheduler } = this.on.shell;
    scheduler.forget("hover");
    if (item < 0 || this.on.edits.busy) {
      this.hoverCard.hide();
      return;
    }
    const { clientWidth, clientHeight } = this.map.element;
    this.hoverCard.show(item, this.on.items().get(item), x, y, clientWidth, clientHeight);
    scheduler.after("hover", HOVER_MS, () => this.on.items().want("hover", [item]));
  }
}
