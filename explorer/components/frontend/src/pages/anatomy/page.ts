// One image through one model, live: input, posterior, the code under the hand, reconstruction, residual.
import type { ItemsAnswer, ModelView, Opened } from "../../core/codec";
import { EditStore, type Memory } from "../../core/edit-store";
import { Live } from "../../core/live";
import { mapPositions } from "../../core/map-points";
import type { Resource } from "../../core/resource";
import { Shell } from "../../core/shell";
import { setText } from "../../dom";
import { spoken } from "../../gauge";
import type { AnatomyWant, OriginalsState, PictureSource } from "../../messages.gen";
import { ANATOMY_WANTS } from "../../messages.gen";
import type { Theme } from "../../theme";
import { makePictures, type Pictures } from "../../ui/pictures-of-items";
import { Actions } from "./actions";
import { CodeMap } from "./code-map";
import { anatomyKeys } from "./keys";
import { atMean, copyEdit, readEdit, sameEdit } from "./model";
import { psnr, residual } from "./residual";
import type { AnatomyData, Edit, Release } from "./types";
import { AnatomyView } from "./view";
import { ANATOMY, encodeFrame, type FrameAnswer, type FrameBody, type Terms } from "./wire";

export type Publish = (release: Release) => void;

const memory: Memory<Edit> = { last: null };

const scopeOf = ({ model }: AnatomyData): string => `${model.name}@${model.version}`;

export class Anatomy {
  private readonly shell: Shell;
  private readonly edits: EditStore<Edit>;
  private readonly live: Live<ModelView, Opened, AnatomyWant, FrameBody, FrameAnswer, ItemsAnswer>;
  private readonly items: Pictures;
  private readonly geometry: Resource<Float32Array>;
  private readonly view: AnatomyView;
  private readonly code: CodeMap;
  private readonly actions: Actions;
  private originals: OriginalsState = "loading";
  private atMeanTerms: Terms | null = null;
  private input: Uint8Array | null = null;
  private theme: Theme | null = null;
  private percentile: number | null = null;

  constructor(
    parent: HTMLElement,
    private data: AnatomyData,
    private publish: Publish,
  ) {
    this.shell = this.makeShell();
    this.edits = this.makeEdits();
    this.live = this.makeLive();
    this.items = makePictures(this.shell, this.live, () => this.itemsArrived());
    this.geometry = this.live.resource();
    this.actions = new Actions({
      edits: this.edits,
      changeItem: () => this.changeItem(),
      atMean: () => this.code.goToMean(),
      changed: (stamp) => this.changed(stamp),
      show: () => this.showEdit(),
      announce: () => this.announce(),
    });
    this.view = new AnatomyView({
      travel: (direction) => this.actions.travel(direction),
      toMean: () => this.actions.toMean(),
      newDraw: () => this.actions.newDraw(),
      look: () => this.code.lookAt(),
    });
    this.code = new CodeMap({
      shell: this.shell,
      edits: this.edits,
      data: () => this.data,
      items: () => this.items,
      changed: (stamp) => this.changed(stamp),
      announce: () => this.announce(),
      pick: (item, stamp) => this.actions.pick(item, stamp),
    });
    this.view.assemble(parent, this.shell, this.code);
    this.shell.watch((theme) => this.setTheme(theme));
    this.open();
    this.showModel();
    this.showEdit();
  }

  // From Streamlit

  update(data: AnatomyData, publish: Publish): void {
    const before = this.data;
    const model = scopeOf(data) !== scopeOf(before);
    const view = model || data.view.id !== before.view.id;
    const { item } = this.edits.current;
    const take = () => {
      this.data = data;
      return this.editFrom();
    };
    const told = this.edits.adopt(take, data.revision, scopeOf(data));
    this.data = data;
    this.publish = publish;
    this.edits.hear(data.heard ?? 0);
    if (model) this.changeModel();
    else if (item !== this.edits.current.item) this.changeItem();
    if (view) {
      this.code.at = null;
      this.open();
    }
    this.showModel();
    if (told) {
      this.showEdit();
      this.changed(null);
    }
  }

  dispose(): void {
    this.edits.dispose();
    this.shell.scope.dispose();
  }

  private editFrom(): Edit {
    const { edit, model } = this.data;
    return readEdit(edit, model.count, model.latent);
  }

  private open(): void {
    const { view, model } = this.data;
    this.geometry.load({
      url: view.url,
      what: "The map",
      read: mapPositions(model.count, "The map"),
      done: (xy) => {
        if (this.theme) this.code.shade(this.theme);
        this.code.map.setGeometry(xy);
      },
      failed: (message) => this.shell.fail(message),
    });
    this.live.open({ model: model.name, view: view.id });
  }

  private changeModel(): void {
    this.geometry.cancel();
    this.items.clear();
    this.input = null;
    this.changeItem();
    this.live.change();
  }

  /** Another image: its input is asked for, and nothing that is known of the former one holds. */
  private changeItem(): void {
    this.live.frames.mark(["input"], null);
    this.atMeanTerms = null;
    this.view.residual.forget();
    this.code.reframe();
  }

  private showModel(): void {
    this.shell.setRatio(this.data.model.shape);
    this.view.showModel(this.shell.element, this.data);
    this.code.showModel();
  }

  private setTheme(theme: Theme): void {
    this.theme = theme;
    this.code.map.setTheme(theme);
    this.code.shade(theme);
    this.view.residual.setTone(theme.tone);
  }

  // How the parts are made

  private makeShell(): Shell {
    return new Shell({
      name: "anatomy",
      classes: "anatomy sharp",
      opening: "Opening the model…",
      keys: () =>
        anatomyKeys(this.data.probabilistic, this.actions, () =>
          this.code.knob.element.focus({ preventScroll: true }),
        ),
      travel: (direction) => this.actions.travel(direction),
      retry: () => this.live.retry(),
    });
  }

  private makeEdits(): EditStore<Edit> {
    const { data, shell } = this;
    return new EditStore(this.editFrom(), scopeOf(data), data.revision, shell.scheduler, {
      copy: copyEdit,
      same: sameEdit,
      publish: (edit, message) => {
        const { model, view } = this.data;
        this.publish({ ...edit, model: model.name, view: view.id, ...message });
      },
      allow: () => this.view?.allow(this.edits.canUndo, this.edits.canRedo),
      memory,
    });
  }

  private makeLive() {
    return new Live<ModelView, Opened, AnatomyWant, FrameBody, FrameAnswer, ItemsAnswer>({
      shell: this.shell,
      socket: this.data.socket,
      codec: ANATOMY,
      all: ANATOMY_WANTS,
      encodeFrame,
      edits: this.edits,
      request: (waiting) => {
        const want = ANATOMY_WANTS.filter((each) => each === "picture" || waiting.has(each));
        const { item, draw, turn } = this.edits.current;
        return { body: { item, draw, turn, want }, want };
      },
      paint: (answer) => this.paint(answer),
      originals: (state) => this.takeOriginals(state),
    });
  }

  // Frames

  private changed(stamp: number | null): void {
    this.live.frames.mark(["picture"], stamp);
    this.shell.scheduler.frame("noise", () => this.showNoise());
  }

  private paint(answer: FrameAnswer): boolean {
    if (answer.item !== this.edits.current.item) return false;
    const { pixels, shape, pictures } = answer;
    const { view } = this;
    const size = shape[0] * shape[1] * shape[2];
    const first = pictures.indexOf("input");
    if (first >= 0) {
      this.input = pixels.slice(first * size, (first + 1) * size);
      this.atMeanTerms = answer.at_mean;
      view.input.paint(pixels, first, shape);
      this.showInput(answer.source);
    }
    this.code.show(answer.at);
    this.showNoise();
    const index = pictures.indexOf("picture");
    if (index >= 0 && this.input) {
      view.output.paint(pixels, index, shape);
      const found = residual(this.input, 0, pixels, index * size, shape);
      view.residual.paint(found, shape);
      view.figures.showError(found.mse, psnr(found.mse));
    }
    view.figures.show(answer.terms, this.atMeanTerms);
    this.percentile = answer.gauge.percentile;
    view.gauge.set(this.percentile);
    return this.input !== null;
  }

  /** The originals have come, or are known not to: asks for the input again, or says why it is none. */
  private takeOriginals(state: OriginalsState): void {
    this.originals = state;
    this.view.showSource(this.source, state);
    if (state !== "ready") return;
    this.items.originalsCame();
    if (this.source !== "original") this.live.frames.mark(["input"], null);
  }

  private get source(): PictureSource | undefined {
    return this.shell.element.dataset["source"] as PictureSource | undefined;
  }

  private showInput(source: PictureSource): void {
    this.shell.element.dataset["source"] = source;
    this.view.showSource(source, this.originals);
    this.items.want("nearest", [this.edits.current.item]);
    this.showLabels();
  }

  private showLabels(): void {
    this.view.showLabels(this.items.get(this.edits.current.item), this.source);
  }

  private itemsArrived(): void {
    this.code.hoverCard.refresh((item) => this.items.get(item));
    this.showLabels();
  }

  // The edit

  private showEdit(): void {
    this.view.allow(this.edits.canUndo, this.edits.canRedo);
    this.code.follow();
    this.showNoise();
    this.showLabels();
  }

  private showNoise(): void {
    this.view.showMean(atMean(this.edits.current));
    setText(this.view.noise, this.code.words());
  }

  private announce(): void {
    this.shell.announce(() => {
      const { textContent } = this.view.noise;
      const off = this.percentile === null ? "" : `; ${spoken(this.percentile)}`;
      this.code.knob.describe(`Code z, ${textContent}; arrow keys move`);
      return `Code at ${textContent}${off}`;
    });
  }
}
