// A sequence under the hand, live: what the model believes after the frames seen, one jump ahead, and futures.
import { EditStore, type Memory } from "../../core/edit-store";
import { Live } from "../../core/live";
import { Shell } from "../../core/shell";
import { h, iconButton } from "../../dom";
import { SEQUENCE_WANTS } from "../../messages.gen";
import { roving } from "../../ui/roving";
import { Actions } from "./actions";
import { Controls } from "./controls";
import { Draws, type Film } from "./draws";
import { timeKeys } from "./keys";
import { readEdit, sameEdit, type Want, wants } from "./model";
import { Player } from "./player";
import { announced, sayDraws } from "./sentences";
import { Strip } from "./strip";
import type { Edit, Release, TimeData } from "./types";
import { encodeFrame, type FrameAnswer, type FrameBody, type Opened, TIME } from "./wire";

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
  private readonly undo = iconButton("undo", "Undo (Ctrl+Z)", () => this.actions.travel("undo"));
  private readonly redo = iconButton("redo", "Redo (Ctrl+Shift+Z)", () =>
    this.actions.travel("redo"),
  );
  private readonly actions: Actions;
  private film: Film | null = null;

  constructor(
    parent: HTMLElement,
    private data: TimeData,
    private publish: (release: Release) => void,
  ) {
    this.shell = this.makeShell();
    this.edits = this.makeEdits();
    this.live = this.makeLive();
    this.actions = this.makeActions();
    this.strip = new Strip({
      ...this.actions.strip(),
      hide: (hidden) => {
        this.shell.element.classList.toggle("lx-hide-truth", hidden);
        this.player.hide(hidden);
      },
    });
    this.controls = new Controls(this.actions.controls());
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

  update(data: TimeData, publish: (release: Release) => void): void {
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
    this.actions.resting = true;
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
          see: (by) => this.actions.step(this.edits.current.seen + by, performance.now()),
          hide: () => this.strip.toggle(),
          play: () => this.player.toggle(),
          step: (by) => this.player.step(by),
          newDraw: () => this.actions.newDraw(performance.now()),
        }),
      travel: (direction) => this.actions.travel(direction),
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
        const may = (want: Want) =>
          waiting.has(want) && (want !== "future" || this.actions.resting);
        const want = SEQUENCE_WANTS.filter(may);
        return want.length > 0 ? { body: { ...this.edits.current, want }, want } : null;
      },
      paint: (answer, { samples }) => this.paint(answer, samples),
    });
  }

  private makeActions(): Actions {
    return new Actions({
      edits: this.edits,
      scheduler: this.shell.scheduler,
      length: () => this.data.length,
      changed: (parts, stamp) => this.mark(parts, stamp),
      rested: () => this.live.frames.wake(),
      show: () => this.show(),
      announce: () => this.shell.announce(() => announced(this.edits.current, this.data.length)),
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
