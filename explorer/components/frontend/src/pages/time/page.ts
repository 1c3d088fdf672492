// A sequence under the hand, live: what the model believes after the frames seen, one jump ahead, and futures.
import { type Direction, EditStore, type Gesture, type Memory } from "../../core/edit-store";
import { Live } from "../../core/live";
import { Shell } from "../../core/shell";
import { h, iconButton } from "../../dom";
import { MAX_SEED, SEQUENCE_WANTS } from "../../messages.gen";
import { roving } from "../../ui/roving";
import { Controls } from "./controls";
import { Draws, type Film } from "./draws";
import { timeKeys } from "./keys";
import { readEdit, sameEdit, type Want, wants, within } from "./model";
import { Player } from "./player";
import { announced, sayDraws } from "./sentences";
import { Strip } from "./strip";
import type { Edit, TimeData, Told } from "./types";
import { encodeFrame, type FrameAnswer, type FrameBody, type Opened, TIME } from "./wire";

/** Futures are imagined anew so long after the hand has last moved. */
const REST_MS = 140;

const memory: Memory<Edit> = { last: null };

const scopeOf = ({ model }: TimeData): string => `${model.name}@${model.version}`;

export class Time {
  private readonly shell: Shell;
  private readonly edits: EditStore<Edit>;
  private readonly live: Live<string, Opened, Want, FrameBody, FrameAnswer>;
  private readonly controls: Controls;
  private readonly strip: Strip;
  private readonly belief = new Draws("belief", "z ~ p_B(z|b_t)");
  private readonly jumped: Draws;
  private readonly player: Player;
  private readonly undo = iconButton("undo", "Undo (Ctrl+Z)", () => this.travel("undo"));
  private readonly redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () => this.travel("redo"));
  private film: Film | null = null;
  private resting = true;
  /** While the jump's slider is held. */
  private sliding: Gesture<Edit> | null = null;

  constructor(
    parent: HTMLElement,
    private data: TimeData,
    private publish: (told: Told) => void,
  ) {
    this.shell = this.makeShell();
    this.edits = this.makeEdits();
    this.live = this.makeLive();
    this.strip = this.makeStrip();
    this.controls = new Controls({
      edit: () => this.edits.current,
      set: (change, stamp) => this.set(change, stamp),
      held: () => {
        this.sliding ??= this.edits.begin();
      },
      done: () => this.done(),
      newDraw: (stamp) => this.newDraw(stamp),
    });
    this.jumped = new Draws("jump", "z′ ~ p_T(z′|z, d)", this.controls.jump);
    this.player = new Player(this.controls.futures);
    this.assemble(parent);
    this.shell.watch(() => {});
    this.showModel();
    this.show();
    this.live.open(data.model.name);
  }

  private assemble(parent: HTMLElement): void {
    const { shell, strip, player } = this;
    const actions = h(
      "div",
      { class: "actions", role: "toolbar", "aria-label": "Edit" },
      this.undo,
      this.redo,
    );
    roving(actions, "button");
    strip.element.firstElementChild?.prepend(actions);
    shell.mount(
      parent,
      strip.element,
      h("div", { class: "time-pair" }, this.belief.element, this.jumped.element),
      player.element,
      shell.foot("Drag over the frames to set how much is seen; arrow keys move the playhead."),
      shell.banner.element,
    );
    shell.scope.add(() => strip.stop());
    shell.scope.add(() => player.stop());
  }

  // From Streamlit

  update(data: TimeData, publish: (told: Told) => void): void {
    const fresh = scopeOf(data) !== scopeOf(this.data);
    const before = this.edits.current;
    const take = () => {
      this.data = data;
      return readEdit(data.edit, data);
    };
    const told = this.edits.adopt(take, data.revision, scopeOf(data));
    this.data = data;
    this.publish = publish;
    this.edits.hear(data.heard ?? 0);
    if (fresh) this.changeModel();
    if (!told) return;
    this.resting = true;
    this.show();
    this.mark(fresh ? SEQUENCE_WANTS : wants(before, this.edits.current), null);
  }

  dispose(): void {
    this.edits.dispose();
    this.shell.scope.dispose();
  }

  private changeModel(): void {
    this.film = null;
    this.player.pause();
    this.live.change();
    this.showModel();
    this.live.open(this.data.model.name);
  }

  private showModel(): void {
    const { model, length, longest } = this.data;
    this.shell.setRatio(model.shape);
    this.strip.setLength(length, longest);
    this.controls.setModel(this.data);
  }

  // How the parts are made

  private makeShell(): Shell {
    return new Shell({
      name: "time",
      classes: "time sharp",
      opening: "Opening the model…",
      keys: () =>
        timeKeys({
          see: (by) => this.step(this.edits.current.seen + by, performance.now()),
          hide: () => this.strip.toggle(),
          play: () => this.player.toggle(),
          step: (by) => this.player.step(by),
          newDraw: () => this.newDraw(performance.now()),
        }),
      travel: (direction) => this.travel(direction),
      retry: () => this.live.retry(),
    });
  }

  private makeEdits(): EditStore<Edit> {
    const { data, shell } = this;
    const edit = readEdit(data.edit, data);
    return new EditStore(edit, scopeOf(data), data.revision, shell.scheduler, {
      copy: (one) => ({ ...one }),
      same: sameEdit,
      publish: (one, more) => this.publish({ ...one, model: this.data.model.name, ...more }),
      allow: () => this.allowTravel(),
      memory,
    });
  }

  private makeLive() {
    return new Live<string, Opened, Want, FrameBody, FrameAnswer>({
      shell: this.shell,
      socket: this.data.socket,
      codec: TIME,
      all: SEQUENCE_WANTS,
      encodeFrame,
      edits: this.edits,
      request: (waiting) => {
        const may = (want: Want) => waiting.has(want) && (want !== "future" || this.resting);
        const want = SEQUENCE_WANTS.filter(may);
        return want.length > 0 ? { body: { ...this.edits.current, want }, want } : null;
      },
      paint: (answer, { samples }) => this.paint(answer, samples),
    });
  }

  private makeStrip(): Strip {
    let gesture: Gesture<Edit> | null = null;
    return new Strip({
      start: () => {
        gesture = this.edits.begin();
      },
      move: (seen, stamp) => {
        if (gesture?.held) this.set({ seen }, stamp);
      },
      end: () => {
        this.rest();
        gesture?.commit();
        this.announce();
      },
      cancel: () => {
        const before = gesture?.cancel();
        if (before) this.set(before, null);
        this.rest();
      },
      step: (seen, stamp) => this.step(seen, stamp),
      hide: (hidden) => {
        this.shell.element.classList.toggle("lx-hide-truth", hidden);
        this.player.hide(hidden);
      },
    });
  }

  // Frames

  /** Says that parts have to be asked anew, by an event at `stamp` (null: not the hand's doing). */
  private mark(parts: readonly Want[], stamp: number | null): void {
    if (parts.includes("future")) this.player.stale(true);
    this.live.frames.mark(parts, stamp);
  }

  private paint(answer: FrameAnswer, samples: number): boolean {
    if (answer.sequence !== this.edits.current.sequence) return false;
    const { groups, pixels, shape } = answer;
    const { frames } = this.live;
    if (groups.frames) {
      const { first, count } = groups.frames;
      const size = shape[0] * shape[1] * shape[2];
      this.film = { pixels: pixels.slice(first * size, (first + count) * size), count, shape };
      this.strip.paint(answer);
    }
    this.belief.paint(answer, this.film, answer.seen);
    this.jumped.paint(answer, this.film, answer.seen + answer.jump);
    if (groups.future && this.film) {
      this.player.take(answer, this.film, samples);
      this.player.stale(frames.isWaiting("future"));
    }
    return this.shell.isReady || frames.settled;
  }

  // The hand

  private set(change: Partial<Edit>, stamp: number | null): void {
    const before = this.edits.current;
    this.edits.current = { ...before, ...change };
    const parts = wants(before, this.edits.current);
    this.shell.scheduler.frame("show", () => this.show());
    if (parts.length === 0) return;
    this.resting = false;
    this.shell.scheduler.after("rest", REST_MS, () => this.rest());
    this.mark(parts, stamp);
  }

  /** The hand rests: what takes longer may be asked for. */
  private rest(): void {
    this.shell.scheduler.forget("rest");
    this.resting = true;
    this.live.frames.wake();
  }

  /** A number is chosen, or its slider was let go. */
  private done(): void {
    this.rest();
    if (this.sliding) this.sliding.commit();
    else this.edits.commit();
    this.sliding = null;
    this.announce();
  }

  private step(seen: number, stamp: number): void {
    this.set({ seen: within(seen, 1, this.data.length) }, stamp);
    this.shell.scheduler.flush();
    this.edits.commitSoon("seen");
    this.announce();
  }

  private newDraw(stamp: number): void {
    const { seed } = this.edits.current;
    this.set({ seed: seed >= MAX_SEED ? 0 : seed + 1 }, stamp);
    this.done();
  }

  private travel(direction: Direction): void {
    const before = this.edits.current;
    const found = this.edits.travel(direction);
    if (!found) return;
    this.show();
    this.mark(wants(before, found), performance.now());
    this.rest();
    this.edits.tell();
  }

  private announce(): void {
    this.shell.announce(() => announced(this.edits.current, this.data.length));
  }

  // What is shown

  private allowTravel(): void {
    this.undo.disabled = !this.edits.canUndo;
    this.redo.disabled = !this.edits.canRedo;
  }

  private show(): void {
    const { current } = this.edits;
    this.strip.show(current.seen);
    sayDraws(this.belief, this.jumped, current, this.data.length);
    this.controls.show(current);
    this.allowTravel();
  }
}
