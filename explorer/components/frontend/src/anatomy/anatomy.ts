// One image through one model, live: input, posterior, the code under the hand, reconstruction, residual.
import { Banner } from "../banner";
import { h, iconButton, segmented, setText } from "../dom";
import { Gauge, spoken } from "../gauge";
import { Loader } from "../geometry";
import { ItemStore, itemName, labelLine } from "../items";
import { Knob } from "../knob";
import { shadePlain } from "../map/colours";
import { HoverCard } from "../map/hover";
import { MapView } from "../map/map";
import { Pace } from "../pace";
import { PictureCanvas } from "../pictures";
import { Readout } from "../readout";
import { HANDLE_KEYS, heard, MAP_KEYS, type ShortcutGroup, Shortcuts } from "../shortcuts";
import { LiveSocket, type ModelView, socketUrl } from "../socket";
import { FrameStats } from "../stats";
import { type Theme, watchTheme } from "../theme";
import { ANNOUNCE_MS, KEY_COMMIT_MS } from "../waits";
import type { ItemsAnswer, Opened, OriginalsState } from "../wire";
import { atMean, copyEdit, readEdit, sameEdit, turned } from "./edit";
import { Figures, figure } from "./figures";
import { aroundPosterior, aroundPrior, Plane, type Posterior } from "./plane";
import { psnr, residual } from "./residual";
import { ResidualView } from "./residual-view";
import type { AnatomyData, Edit, Told } from "./types";
import { ANATOMY, type FrameAnswer, type FrameBody, type Pair, type Terms } from "./wire";

const HOVER_MS = 40;

export type Publish = (told: Told) => void;
type Zoom = "posterior" | "prior";

/** A picture with a name above it. */
function pane(
  name: string,
  symbol: string | HTMLElement,
  canvas: HTMLElement,
  ...below: HTMLElement[]
) {
  return h(
    "section",
    { class: `anatomy-pane anatomy-${name.toLowerCase()}`, "aria-label": name },
    h(
      "div",
      { class: "anatomy-name" },
      h("span", {}, name),
      h("span", { class: "symbol" }, symbol),
    ),
    h("div", { class: "picture-frame" }, canvas),
    ...below,
  );
}

function picture(name: string, label: string): PictureCanvas {
  return new PictureCanvas(
    h("canvas", {
      class: "picture",
      "data-testid": `picture-${name}`,
      role: "img",
      "aria-label": label,
    }),
  );
}

export class Anatomy {
  readonly element = h("div", {
    class: "stage anatomy sharp",
    "data-testid": "anatomy",
    "data-connection": "connecting",
    "data-ready": "false",
  });
  private edit: Edit;
  private published: Edit;
  /** Where the item's code stands in the view; null until an answer has told. */
  private at: FrameAnswer["at"] | null = null;
  private originals: OriginalsState = "loading";
  private atMeanTerms: Terms | null = null;
  private input: Uint8Array | null = null;
  private needsInput = true;
  private dirty = true;
  private placed = false;
  private theme: Theme | null = null;
  private percentile: number | null = null;
  private zoom: Zoom = "posterior";
  private framed = "";

  private readonly socket: LiveSocket<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer>;
  private readonly pace = new Pace(() => this.socket.wake());
  private readonly geometry = new Loader();
  private readonly items: ItemStore;
  private readonly stats = new FrameStats();

  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly banner = new Banner();
  private readonly readout = new Readout(this.stats);
  private readonly hoverCard = new HoverCard();
  private readonly map: MapView;
  private readonly plane = new Plane();
  private readonly knob: Knob;
  private readonly inputPicture = picture("input", "Input");
  private readonly outputPicture = picture("output", "Reconstruction");
  private readonly residual = new ResidualView();
  private readonly gauge = new Gauge("the code");
  private readonly figures = new Figures();
  private readonly inputName = h("div", { class: "anatomy-fact" });
  private readonly inputLabels = h("div", { class: "anatomy-note" });
  private readonly inputNote = h("div", { class: "anatomy-note" });
  private readonly outputSymbol = h("span", {});
  private readonly noise = h("span", { class: "noise", "data-testid": "noise" });
  private readonly mean: HTMLButtonElement;
  private readonly draw: HTMLButtonElement;
  private readonly zooms = segmented<Zoom>(
    "What the map shows",
    [
      ["posterior", "Posterior"],
      ["prior", "Prior"],
    ],
    (zoom) => this.setZoom(zoom),
  );
  private readonly shortcuts = new Shortcuts(() => this.keys());
  private readonly stopTheme: () => void;

  private gestures = 0;
  private commitTimer: ReturnType<typeof setTimeout> | undefined;
  private announceTimer: ReturnType<typeof setTimeout> | undefined;
  private hoverTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    parent: HTMLElement,
    private data: AnatomyData,
    private publish: Publish,
  ) {
    this.edit = this.editFrom(data);
    this.published = copyEdit(this.edit);
    this.socket = this.makeSocket();
    this.items = new ItemStore(
      (items) => this.socket.items(items, "best"),
      () => this.itemsArrived(),
    );
    this.map = new MapView({
      hover: (item, x, y) => this.hover(item, x, y),
      pick: (item, stamp) => this.pick(item, stamp),
      beside: () => {},
      item: (item) => this.items.get(item),
      moved: () => this.follow(),
    });
    this.map.setBeside("off");
    this.knob = this.makeKnob();
    this.mean = this.button("Mean", "eps = 0: the middle of the posterior", () => this.toMean());
    this.draw = this.button("New draw", "eps from N(0, I), a new seed each time", () =>
      this.newDraw(),
    );
    this.assemble();
    parent.append(this.element);
    this.stopTheme = watchTheme(this.element, this.probe, (theme) => this.setTheme(theme));
    this.showModel();
    this.showEdit();
    this.loadGeometry();
    this.ask();
  }

  // From Streamlit

  update(data: AnatomyData, publish: Publish): void {
    const before = this.data;
    this.data = data;
    this.publish = publish;
    const model =
      data.model.name !== before.model.name || data.model.version !== before.model.version;
    const view = model || data.view.id !== before.view.id;
    const told = model || data.revision > before.revision;
    if (model) this.changeModel();
    if (told) this.takeEdit();
    if (view) {
      this.at = null;
      this.placed = false;
      this.loadGeometry();
      this.ask();
    }
    this.showModel();
    if (told) {
      this.showEdit();
      this.changed(null);
    }
  }

  dispose(): void {
    this.socket.close();
    this.pace.dispose();
    this.stopTheme();
    this.shortcuts.stop();
    this.knob.stop();
    this.map.stop();
    this.geometry.cancel();
    this.items.clear();
    this.readout.stop();
    this.banner.stop();
    for (const timer of [this.commitTimer, this.announceTimer, this.hoverTimer])
      clearTimeout(timer);
    this.element.remove();
  }

  private editFrom(data: AnatomyData): Edit {
    return readEdit(data.edit, data.model.count, data.model.latent);
  }

  private changeModel(): void {
    this.geometry.cancel();
    this.items.clear();
    this.stats.clear();
    this.residual.forget();
    this.banner.clear();
    this.input = null;
    this.needsInput = true;
    this.atMeanTerms = null;
    this.framed = "";
    this.element.dataset["ready"] = "false";
  }

  private takeEdit(): void {
    clearTimeout(this.commitTimer);
    const edit = this.editFrom(this.data);
    if (edit.item !== this.edit.item) this.changeItem();
    this.edit = edit;
    this.published = copyEdit(edit);
  }

  /** Another image: its input is asked for, and nothing that is known of the former one holds. */
  private changeItem(): void {
    this.needsInput = true;
    this.atMeanTerms = null;
    this.residual.forget();
    this.framed = "";
  }

  private showModel(): void {
    const { model, dims, probabilistic, likelihood } = this.data;
    const [, height, width] = model.shape;
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
    this.element.classList.toggle("lx-deterministic", !probabilistic);
    const up = dims[1] < model.latent ? `Dimension ${dims[1]}` : "Jitter: no meaning";
    this.map.setAxes(`Dimension ${dims[0]}`, up);
    this.map.setLabel(
      `Map of dimension${dims[1] < model.latent ? `s ${dims[0]} and ${dims[1]}` : ` ${dims[0]}`} with ${model.count.toLocaleString("en")} codes; ` +
        "arrow keys move it, plus and minus zoom, 0 shows all",
    );
    this.figures.setLikelihood(likelihood);
    this.plane.setPrior(probabilistic);
    this.draw.hidden = !probabilistic;
    this.zooms.element.hidden = !probabilistic;
    setText(this.outputSymbol, probabilistic ? "x̂ = E[x|z]" : "x̂ = g(z)");
    setText(this.mean, probabilistic ? "Mean" : "Its own code");
    this.mean.title = probabilistic
      ? "ε = 0: the middle of the posterior"
      : "Back to the code of the image";
  }

  private loadGeometry(): void {
    const { view, model } = this.data;
    this.geometry.load(
      view.url,
      2 * model.count,
      "The map",
      (xy) => {
        this.shadePoints();
        this.map.setGeometry(xy);
      },
      (message) => this.banner.show(message),
    );
  }

  private setTheme(theme: Theme): void {
    this.theme = theme;
    this.map.setTheme(theme);
    this.shadePoints();
    this.residual.setTone(theme.tone);
  }

  /** The codes of all images, as a quiet ground. */
  private shadePoints(): void {
    if (this.theme) this.map.setShading(shadePlain(this.data.model.count, this.theme.missing));
  }

  // The socket

  private ask(): void {
    if (!this.input) this.banner.wait("Opening the model…");
    this.socket.ask({ model: this.data.model.name, view: this.data.view.id });
  }

  private makeSocket() {
    return new LiveSocket<ModelView, Opened, FrameBody, FrameAnswer, ItemsAnswer>(
      socketUrl(this.data.socket),
      {
        connection: (state) => {
          this.element.dataset["connection"] = state;
          this.banner.connect(state);
        },
        opened: () => {
          this.needsInput = true;
          this.items.renew();
          this.changed(null);
        },
        pull: () => this.pull(),
        frame: (answer) => this.take(answer),
        items: (answer) => this.items.receive(answer),
        itemsFailed: (seq) => this.items.failed(seq),
        originals: (state) => this.takeOriginals(state),
        error: (message) => this.banner.show(message),
      },
      ANATOMY,
    );
  }

  private changed(stamp: number | null): void {
    this.dirty = true;
    this.pace.touch(stamp);
    this.socket.wake();
  }

  private pull(): FrameBody | null {
    if (!this.dirty || !this.pace.ready()) return null;
    this.dirty = false;
    this.pace.take();
    this.pace.spend();
    const { item, draw, turn } = this.edit;
    return { item, draw, turn, want: this.needsInput ? ["input", "picture"] : ["picture"] };
  }

  private take(answer: FrameAnswer): void {
    const stamp = this.pace.takeStamp();
    if (answer.item !== this.edit.item) return;
    const { pixels, shape, pictures } = answer;
    const size = shape[0] * shape[1] * shape[2];
    const first = pictures.indexOf("input");
    if (first >= 0) {
      this.input = pixels.slice(first * size, (first + 1) * size);
      this.needsInput = false;
      this.atMeanTerms = answer.at_mean;
      this.inputPicture.paint(pixels, first, shape);
      this.showInput(answer.source);
    }
    this.showAt(answer.at);
    const index = pictures.indexOf("picture");
    if (index >= 0 && this.input) {
      this.outputPicture.paint(pixels, index, shape);
      const found = residual(this.input, 0, pixels, index * size, shape);
      this.residual.paint(found, shape);
      this.figures.showError(found.mse, psnr(found.mse));
    }
    this.figures.show(answer.terms, this.atMeanTerms);
    this.percentile = answer.gauge.percentile;
    this.gauge.set(this.percentile);
    this.count(stamp);
  }

  private count(stamp: number | null): void {
    const now = performance.now();
    if (stamp !== null) {
      this.stats.add(now, Math.max(0, now - stamp));
      this.readout.touch();
    }
    if (!this.input) return;
    this.element.dataset["ready"] = "true";
    this.banner.wait("");
  }

  /** The originals have come, or are known not to: asks for the input again, or says why it is none. */
  private takeOriginals(state: OriginalsState): void {
    this.originals = state;
    this.sayWhyNoOriginal();
    if (state !== "ready") return;
    this.items.originalsCame();
    if (this.element.dataset["source"] === "original") return;
    this.needsInput = true;
    this.changed(null);
  }

  private sayWhyNoOriginal(): void {
    const { source } = this.element.dataset;
    const why =
      this.originals === "absent"
        ? "Its data set is not on this machine: its reconstruction stands in."
        : "The original is being fetched; its reconstruction stands in.";
    setText(this.inputNote, source === "reconstruction" ? why : "");
  }

  private showInput(source: FrameAnswer["source"]): void {
    this.element.dataset["source"] = source;
    this.sayWhyNoOriginal();
    this.items.want("nearest", [this.edit.item]);
    this.showLabels();
  }

  private showLabels(): void {
    const item = this.items.get(this.edit.item);
    setText(this.inputName, item ? `${itemName(item)} · ${this.element.dataset["source"]}` : "");
    const line = item ? labelLine(item.labels, 6) : "";
    setText(this.inputLabels, line);
    this.inputLabels.title = item ? labelLine(item.labels) : "";
  }

  // The code on the map

  /** Takes where the code stands, unless the hand has gone on since. */
  private showAt(at: FrameAnswer["at"]): void {
    this.at = at;
    this.placed = true;
    const posterior = this.posterior();
    this.plane.setPosterior(posterior);
    const framed = `${this.data.model.name} ${this.data.view.id} ${this.edit.item}`;
    if (this.framed !== framed) {
      this.framed = framed;
      this.lookAt(this.zoom);
    }
    this.follow();
    this.showNoise();
  }

  private posterior(): Posterior | null {
    if (!this.at) return null;
    return { mean: this.at.mean, std: this.data.probabilistic ? this.at.scale : null };
  }

  private epsOf(axis: 0 | 1): number {
    const set = this.edit.turn[this.data.dims[axis]];
    return set ?? this.at?.turn[axis] ?? 0;
  }

  private code(): Pair | null {
    const { at } = this;
    if (!at) return null;
    const along = (axis: 0 | 1) => at.mean[axis] + at.scale[axis] * this.epsOf(axis);
    return [along(0), along(1)];
  }

  private follow(): void {
    if (!this.map) return; // the map measures itself while it is being made
    const code = this.code();
    this.plane.setCode(code);
    const shown = this.map.shown;
    const { clientWidth, clientHeight } = this.map.element;
    this.plane.place((x, y) => this.map.toScreen(x, y), shown, [clientWidth, clientHeight]);
    this.knob.element.hidden = !code;
    if (!code) return;
    const [x, y] = this.map.toScreen(code[0], code[1]);
    this.knob.put(x, y, 0, 0);
  }

  private setZoom(zoom: Zoom): void {
    this.zoom = zoom;
    this.lookAt(zoom);
  }

  private lookAt(zoom: Zoom): void {
    this.zooms.set(zoom);
    const posterior = this.posterior();
    if (!posterior) return;
    if (!posterior.std) this.map.look(null);
    else this.map.look(zoom === "prior" ? aroundPrior(posterior) : aroundPosterior(posterior));
  }

  private turnTo(x: number, y: number, stamp: number | null): void {
    const { at } = this;
    if (!at || !this.placed) return;
    const [across, up] = this.data.dims;
    const set = { [across]: (x - at.mean[0]) / at.scale[0] };
    if (up < this.data.model.latent) set[up] = (y - at.mean[1]) / at.scale[1];
    this.edit = turned(this.edit, set);
    this.changed(stamp);
    this.follow();
    this.showNoise();
  }

  private makeKnob(): Knob {
    let origin: readonly [number, number] = [0, 0];
    let before = copyEdit(this.edit);
    const screen = (): readonly [number, number] => {
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
        this.gestures += 1;
        this.hoverCard.hide();
        before = copyEdit(this.edit);
      },
      move: (x, y, stamp) => {
        const [mx, my] = this.map.toMap(x - origin[0], y - origin[1]);
        this.turnTo(mx, my, stamp);
      },
      end: () => {
        this.gestures -= 1;
        this.commit();
      },
      cancel: () => {
        this.gestures -= 1;
        this.edit = before;
        this.changed(null);
        this.follow();
        this.showNoise();
      },
      nudge: (dx, dy, stamp) => {
        const [x, y] = screen();
        const [mx, my] = this.map.toMap(x + dx, y + dy);
        this.turnTo(mx, my, stamp);
        clearTimeout(this.commitTimer);
        this.commitTimer = setTimeout(() => this.commit(), KEY_COMMIT_MS);
      },
      nudged: () => this.announce(),
      activate: () => {
        const code = this.code();
        if (code && this.gestures === 0) this.map.reveal(code[0], code[1]);
      },
    });
  }

  // Pointing at other images

  private hover(item: number, x: number, y: number): void {
    clearTimeout(this.hoverTimer);
    if (item < 0 || this.gestures > 0) {
      this.hoverCard.hide();
      return;
    }
    const { clientWidth, clientHeight } = this.map.element;
    this.hoverCard.show(item, this.items.get(item), x, y, clientWidth, clientHeight);
    this.hoverTimer = setTimeout(() => this.items.want("hover", [item]), HOVER_MS);
  }

  private pick(item: number, stamp: number): void {
    if (item < 0 || item >= this.data.model.count) return;
    this.hoverCard.hide();
    if (item !== this.edit.item) this.changeItem();
    this.edit = { item, draw: null, turn: {} };
    this.changed(stamp);
    this.showEdit();
    this.commit();
  }

  private itemsArrived(): void {
    this.hoverCard.refresh((item) => this.items.get(item));
    this.showLabels();
  }

  // Buttons

  private button(name: string, explanation: string, click: () => void): HTMLButtonElement {
    const button = h(
      "button",
      { type: "button", class: "button text-button", title: explanation },
      name,
    );
    button.addEventListener("click", click);
    return button;
  }

  private toMean(): void {
    this.set({ item: this.edit.item, draw: null, turn: {} });
  }

  private newDraw(): void {
    this.set({ item: this.edit.item, draw: (this.edit.draw ?? 0) + 1, turn: {} });
  }

  private set(edit: Edit): void {
    this.edit = edit;
    this.placed = edit.draw === null;
    if (edit.draw === null && this.at) this.at = { ...this.at, turn: [0, 0] };
    this.changed(performance.now());
    this.showEdit();
    this.commit();
  }

  private showEdit(): void {
    this.mean.disabled = atMean(this.edit);
    this.follow();
    this.showNoise();
    this.showLabels();
  }

  private showNoise(): void {
    this.mean.disabled = atMean(this.edit);
    const [across, up] = this.data.dims;
    const symbol = this.data.probabilistic ? "ε" : "Δ";
    const parts = this.at
      ? [
          `${symbol}${subscript(across)} = ${figure(this.epsOf(0))}`,
          ...(up < this.data.model.latent
            ? [`${symbol}${subscript(up)} = ${figure(this.epsOf(1))}`]
            : []),
        ]
      : [];
    if (this.edit.draw !== null) parts.push(`others: draw ${this.edit.draw}`);
    setText(this.noise, parts.join(" · "));
  }

  private assemble(): void {
    const { map } = this;
    map.element.insertBefore(this.plane.element, map.knobs);
    map.element.append(
      h("div", { class: "map-zooms" }, this.zooms.element),
      this.plane.overview as unknown as HTMLElement,
      this.hoverCard.element,
    );
    map.knobs.append(this.knob.element);
    const nudge = iconButton("reset", "Show where the code is", () => this.lookAt(this.zoom));
    this.element.append(
      this.probe,
      h(
        "div",
        { class: "anatomy-grid" },
        pane(
          "Input",
          "x",
          this.inputPicture.canvas,
          this.inputName,
          this.inputLabels,
          this.inputNote,
        ),
        h(
          "section",
          { class: "anatomy-code", "aria-label": "Code" },
          h(
            "div",
            { class: "anatomy-bar" },
            h("div", { class: "anatomy-actions" }, this.mean, this.draw, nudge),
            this.noise,
          ),
          h("div", { class: "map-card" }, map.element, this.banner.element),
        ),
        pane("Reconstruction", this.outputSymbol, this.outputPicture.canvas, this.gauge.element),
        pane("Residual", "x − x̂", this.residual.canvas, this.residual.legend),
        this.figures.element,
      ),
      h(
        "footer",
        { class: "foot" },
        h(
          "span",
          { class: "hint" },
          "Drag z; arrow keys move it. Click a point to take its image. ",
          this.shortcuts.button,
        ),
        this.readout.element,
      ),
      this.live,
      this.shortcuts.element,
    );
  }

  private keys(): ShortcutGroup[] {
    const { probabilistic } = this.data;
    const take = () => this.knob.element.focus({ preventScroll: true });
    const drawn = probabilistic ? [heard("d", "New draw of ε", () => this.newDraw())] : [];
    return [
      {
        title: "Code",
        shortcuts: [
          heard("z", "Take the handle z", take),
          ...HANDLE_KEYS,
          heard("m", probabilistic ? "Back to the mean" : "Back to its own code", () =>
            this.toMean(),
          ),
          ...drawn,
        ],
      },
      MAP_KEYS,
    ];
  }

  // The edit's life

  private commit(): void {
    clearTimeout(this.commitTimer);
    this.announce();
    if (this.gestures > 0 || sameEdit(this.edit, this.published)) return;
    this.published = copyEdit(this.edit);
    const { model, view } = this.data;
    this.publish({ ...copyEdit(this.edit), model: model.name, view: view.id });
  }

  private announce(): void {
    clearTimeout(this.announceTimer);
    this.announceTimer = setTimeout(() => {
      const off = this.percentile === null ? "" : `; ${spoken(this.percentile)}`;
      this.live.textContent = `Code at ${this.noise.textContent}${off}`;
      this.knob.describe(`Code z, ${this.noise.textContent}; arrow keys move`);
    }, ANNOUNCE_MS);
  }
}

const subscript = (dimension: number): string =>
  [...String(dimension)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[Number(digit)]).join("");
