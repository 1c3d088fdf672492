// The grid of codes, live: A to paint on, B to paint with, the codebook, the walk between them.
import type { ItemsAnswer, ModelView, Opened } from "../../core/codec";
import { EditStore, type Memory } from "../../core/edit-store";
import { Live } from "../../core/live";
import { Shell } from "../../core/shell";
import { Steps } from "../../core/steps";
import { draggable } from "../../drag";
import { CODES_WANTS } from "../../messages.gen";
import { makePictures, type Pictures } from "../../ui/pictures-of-items";
import { Actions } from "./actions";
import { BookView } from "./book-view";
import { Books } from "./books";
import { Controls } from "./controls";
import { paintAnswer, requestOf } from "./frames";
import { decode, type Grids } from "./grids";
import { codesKeys } from "./keys";
import * as model from "./model";
import { Painter } from "./painter";
import { download } from "./save";
import { Showing } from "./showing";
import type { GridData, Release } from "./types";
import { CodesView } from "./view";
import { WalkView } from "./walk";
import { codesCodec, encodeFrame, type FrameAnswer, type FrameBody, type Want } from "./wire";

export type Publish = (release: Release) => void;

const memory: Memory<model.Edit> = { last: null };

/** What an edit is of: another A has other codes. */
const scopeOf = ({ model: { name, version }, images }: GridData): string =>
  `${name}@${version} ${images.a.codes}`;

export class CodeGrid {
  private readonly shell: Shell;
  private readonly edits: EditStore<model.Edit>;
  private readonly live: Live<ModelView, Opened, Want, FrameBody, FrameAnswer, ItemsAnswer>;
  private readonly items: Pictures;
  private readonly books: Books;
  private readonly view = new CodesView();
  private readonly controls: Controls;
  private readonly bookView: BookView;
  private readonly walk: WalkView;
  private readonly painter: Painter;
  private a: Grids = [];
  private b: Grids = [];
  private readonly actions: Actions;
  private readonly showing: Showing;

  constructor(
    parent: HTMLElement,
    private data: GridData,
    private publish: Publish,
  ) {
    this.shell = this.makeShell();
    this.readImages();
    this.edits = this.makeEdits();
    this.live = this.makeLive();
    this.items = makePictures(this.shell, this.live, () => this.showing.showInputs());
    this.books = new Books(this.shell, this.live, () => this.showBook());
    this.actions = this.makeActions();
    this.controls = this.makeControls();
    this.painter = this.makePainter();
    this.bookView = new BookView({
      look: (code) => this.painter.lookAt(code),
      pick: (code) => this.painter.pickCode(code),
    });
    this.walk = new WalkView({
      go: (t, stamp, done) => this.actions.goTo(t, stamp, done),
      take: () => this.actions.set(this.walk.codes ?? []),
    });
    this.showing = this.makeShowing();
    this.view.assemble(parent, this.shell, this.controls, this.bookView, this.walk);
    this.shell.watch((theme) => this.walk.setTheme(theme));
    const { element } = this.view.canvas;
    this.shell.scope.add(draggable(element, (event) => this.painter.press(event)));
    this.open();
    this.showEdit();
  }

  // From Streamlit

  update(data: GridData, publish: Publish): void {
    const before = this.data;
    const other =
      data.model.name !== before.model.name || data.model.version !== before.model.version;
    const take = () => {
      this.data = data;
      this.readImages();
      return model.editFrom(data, this.a);
    };
    const told = this.edits.adopt(take, data.revision, scopeOf(data));
    this.data = data;
    this.publish = publish;
    this.edits.hear(data.heard ?? 0);
    if (other) {
      this.items.clear();
      this.live.change();
      this.open();
    }
    if (told) this.showEdit();
  }

  dispose(): void {
    this.edits.dispose();
    this.shell.scope.dispose();
  }

  private readImages(): void {
    const { images, levels } = this.data;
    const [a, b] = [decode(images.a.codes, levels), decode(images.b.codes, levels)];
    if (!a || !b)
      this.shell.banner.show("The page sent codes that do not fit the model. Reload it.");
    this.a = a && b ? a : [];
    this.b = a && b ? b : [];
  }

  /** Another model: its codebooks are fetched, and what was picked of the former one is let go. */
  private open(): void {
    const { model: info, levels, view } = this.data;
    this.shell.setRatio(info.shape);
    this.painter.forget();
    this.books.load(this.data);
    this.controls.setLevels(levels, this.edits.current.level);
    this.controls.setInk("b", null);
    this.live.open({ model: info.name, view });
  }

  // How the parts are made

  private makeShell(): Shell {
    return new Shell({
      name: "codes",
      classes: "codes sharp",
      opening: "Opening the model…",
      keys: () =>
        codesKeys({
          take: () => this.view.canvas.element.focus(),
          brush: (brush) => {
            this.controls.showBrush(brush);
            this.painter.setBrush(brush);
          },
          ink: (ink) => this.painter.setInk(ink),
          walk: (by) => this.actions.walkOn(by),
        }),
      travel: (direction) => this.actions.travel(direction),
      retry: () => this.live.retry(),
    });
  }

  private makeEdits(): EditStore<model.Edit> {
    const { data, shell } = this;
    const edit = model.editFrom(data, this.a);
    return new EditStore(edit, scopeOf(data), data.revision, shell.scheduler, {
      copy: model.copyEdit,
      same: model.sameEdit,
      publish: (current, message) =>
        this.publish({
          model: this.data.model.name,
          ...model.toldOf(current, this.a),
          ...message,
        }),
      allow: () => this.controls?.allow(this.edits.canUndo, this.edits.canRedo),
      journal: new Steps(edit, model.copyEdit, model.sameCodes),
      memory,
    });
  }

  private makeLive() {
    return new Live<ModelView, Opened, Want, FrameBody, FrameAnswer, ItemsAnswer>({
      shell: this.shell,
      socket: this.data.socket,
      codec: codesCodec(() => this.data.levels),
      all: CODES_WANTS.filter((want) => want !== "reach"),
      encodeFrame,
      edits: this.edits,
      request: (waiting) => {
        const { cell } = this.painter;
        if (cell < 0) this.live.frames.forget("reach");
        return requestOf(waiting, this.edits.current, { a: this.a, b: this.b }, cell);
      },
      paint: (answer) => {
        paintAnswer(this.view, this.walk, answer, this.painter.cell);
        return this.shell.isReady || answer.pictures.includes("picture");
      },
      originals: (state) => {
        if (state === "ready") this.items.originalsCame();
      },
    });
  }

  private makeControls(): Controls {
    return new Controls({
      travel: (direction) => this.actions.travel(direction),
      reset: () => this.actions.set(this.a),
      level: (level) => this.actions.setLevel(level),
      overlay: (overlay) => {
        this.showing.overlay = overlay;
        this.showSoon();
      },
      brush: (brush) => this.painter.setBrush(brush),
      ink: (ink) => this.painter.setInk(ink),
      save: () =>
        download(this.view.canvas.picture.canvas, `${this.data.model.name}-codes.png`).catch(
          (error) => this.shell.banner.show(String(error)),
        ),
      set: (codes) => this.actions.set(codes),
      inks: () => ({ a: this.a, b: this.b }),
    });
  }

  private makeActions(): Actions {
    return new Actions({
      edits: this.edits,
      walk: () => this.walk,
      changed: (wants, stamp) => this.changed(wants, stamp),
      leveled: (level) => {
        this.controls.showLevel(level);
        this.painter.changeLevel(level);
        this.showBook();
      },
      announce: () => this.shell.announce(() => this.view.said),
    });
  }

  private makeShowing(): Showing {
    const { view, controls, books, bookView, walk, painter, items } = this;
    return new Showing({
      ...{ view, controls, books, bookView, walk, painter, items },
      data: () => this.data,
      edit: () => this.edits.current,
      inks: () => ({ a: this.a, b: this.b }),
    });
  }

  private makePainter(): Painter {
    const { shell, edits, view } = this;
    return new Painter({
      edits,
      scheduler: shell.scheduler,
      canvas: view.canvas,
      other: view.other,
      level: () => this.data.levels[edits.current.level],
      inks: () => ({ a: this.a, b: this.b }),
      changed: (wants, stamp) => this.changed(wants, stamp),
      show: () => this.showSoon(),
      inked: () => {
        const { ink, picked } = this.painter;
        const here = picked?.level === edits.current.level;
        this.controls.setInk(ink, here ? (picked?.code ?? null) : null);
      },
      announce: () => shell.announce(() => view.said),
      dim: () => view.canvas.glow(null, 0, this.data.model.shape),
      finish: () => this.actions.finish(),
    });
  }

  // Frames

  private changed(wants: readonly Want[], stamp: number | null): void {
    this.live.frames.mark(wants, stamp);
    this.showSoon();
  }

  // Showing

  private showSoon(): void {
    this.shell.scheduler.frame("show", () => this.showing.show());
  }

  private showBook(): void {
    this.showing.showBook();
    this.showSoon();
  }

  private showEdit(): void {
    const { level, t } = this.edits.current;
    this.controls.showLevel(level);
    this.controls.allow(this.edits.canUndo, this.edits.canRedo);
    this.walk.setStep(t);
    this.showing.askInputs();
    this.showBook();
    this.changed(["picture", "a", "b", "step", "strip"], null);
  }
}
