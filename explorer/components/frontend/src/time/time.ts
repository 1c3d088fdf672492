// A sequence under the hand, live: what the model believes after the frames seen, one jump ahead, and futures.
import { Banner } from "../banner";
import { field, h } from "../dom";
import { MAX_SAMPLES, MAX_SEED, MAX_STEPS } from "../messages.gen";
import { Pace } from "../pace";
import { Readout } from "../readout";
import { heard, type ShortcutGroup, Shortcuts, told } from "../shortcuts";
import { LiveSocket, socketUrl } from "../socket";
import { FrameStats } from "../stats";
import { watchTheme } from "../theme";
import { ANNOUNCE_MS, KEY_COMMIT_MS } from "../waits";
import { Draws, type Film } from "./draws";
import { readEdit, sameEdit, type Want, wants, within } from "./edit";
import { Player } from "./player";
import { Strip } from "./strip";
import type { Edit, TimeData, Told } from "./types";
import { type FrameAnswer, type FrameBody, type Opened, TIME } from "./wire";

/** Futures are imagined anew so long after the hand has last moved. */
const REST_MS = 140;
const ALL: readonly Want[] = ["frames", "belief", "jump", "future"];

export class Time {
  readonly element = h("div", {
    class: "stage time sharp",
    "data-testid": "time",
    "data-connection": "connecting",
    "data-ready": "false",
  });
  private edit: Edit;
  private published: Edit;
  private readonly dirty = new Set<Want>(ALL);
  private film: Film | null = null;
  private resting = true;
  private dragging = false;
  /** Samples of the frame in flight: an answer's future has so many. */
  private asked = 0;

  private readonly socket: LiveSocket<string, Opened, FrameBody, FrameAnswer, never>;
  private readonly pace = new Pace(() => this.socket.wake());
  private readonly stats = new FrameStats();
  private readonly readout = new Readout(this.stats);
  private readonly banner = new Banner();
  private readonly probe = h("span", { class: "probe", "aria-hidden": "true" });
  private readonly live = h("div", { class: "sr-only", "aria-live": "polite" });
  private readonly strip: Strip;
  private readonly belief = new Draws("belief", "z ~ p_B(z|b_t)");
  private readonly jumped: Draws;
  private readonly player: Player;
  private readonly jump = h("input", {
    type: "range",
    class: "time-range",
    min: "1",
    step: "1",
    "aria-label": "Frames ahead",
    "data-testid": "jump",
  });
  private readonly selects: Record<"samples" | "by" | "steps", HTMLSelectElement>;
  private readonly seed = h("input", {
    type: "number",
    class: "select seed",
    min: "0",
    max: String(MAX_SEED),
    step: "1",
    "aria-label": "Seed",
  });
  private readonly shortcuts = new Shortcuts(() => this.keys());
  private readonly stopTheme: () => void;
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private commitTimer: ReturnType<typeof setTimeout> | undefined;
  private announceTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    parent: HTMLElement,
    private data: TimeData,
    private publish: (told: Told) => void,
  ) {
    this.edit = readEdit(data.edit, data);
    this.published = { ...this.edit };
    this.socket = this.makeSocket();
    this.strip = this.makeStrip();
    this.jumped = new Draws(
      "jump",
      "z′ ~ p_T(z′|z, d)",
      field("Jump d", this.jump, "Frames ahead, in one jump, up to the longest that was trained"),
    );
    this.selects = {
      samples: this.select("samples", "Draws that are shown"),
      by: this.select("by", "Frames of each jump of a future"),
      steps: this.select("steps", "Jumps of a future"),
    };
    this.player = new Player(this.futureControls());
    this.listen();
    this.element.append(
      this.probe,
      this.strip.element,
      h("div", { class: "time-pair" }, this.belief.element, this.jumped.element),
      this.player.element,
      h(
        "footer",
        { class: "foot" },
        h(
          "span",
          { class: "hint" },
          "Drag over the frames to set how much is seen; arrow keys move the playhead. ",
          this.shortcuts.button,
        ),
        this.readout.element,
      ),
      this.banner.element,
      this.live,
      this.shortcuts.element,
    );
    parent.append(this.element);
    this.stopTheme = watchTheme(this.element, this.probe, () => {});
    this.showModel();
    this.show();
    this.banner.wait("Opening the model…");
    this.socket.ask(data.model.name);
  }

  // From Streamlit

  update(data: TimeData, publish: (told: Told) => void): void {
    const before = this.data;
    this.data = data;
    this.publish = publish;
    const model =
      data.model.name !== before.model.name || data.model.version !== before.model.version;
    if (model) {
      this.changeModel();
      this.banner.wait("Opening the model…");
      this.socket.ask(data.model.name);
    }
    if (model || data.revision > before.revision) {
      clearTimeout(this.commitTimer);
      const edit = readEdit(data.edit, data);
      const parts = model ? ALL : wants(this.edit, edit);
      this.edit = edit;
      this.published = { ...edit };
      this.resting = true;
      this.show();
      this.mark(parts, null);
    }
  }

  dispose(): void {
    this.socket.close();
    this.pace.dispose();
    this.stopTheme();
    this.shortcuts.stop();
    this.strip.stop();
    this.player.stop();
    this.readout.stop();
    this.banner.stop();
    for (const timer of [this.restTimer, this.commitTimer, this.announceTimer]) clearTimeout(timer);
    this.element.remove();
  }

  private changeModel(): void {
    this.film = null;
    this.stats.clear();
    this.banner.clear();
    this.player.pause();
    this.element.dataset["ready"] = "false";
    this.showModel();
  }

  private showModel(): void {
    const { model, length, longest } = this.data;
    const [, height, width] = model.shape;
    this.element.style.setProperty("--lx-ratio", `${width} / ${height}`);
    this.strip.setLength(length, longest);
    this.jump.max = String(longest);
    const upTo = (most: number) => Array.from({ length: most }, (_, i) => i + 1);
    fill(this.selects.samples, upTo(MAX_SAMPLES), (n) => String(n));
    fill(this.selects.by, upTo(longest), (n) => (n === 1 ? "1 frame" : `${n} frames`));
    fill(this.selects.steps, upTo(MAX_STEPS), (n) => String(n));
  }

  // The socket

  private makeSocket() {
    return new LiveSocket<string, Opened, FrameBody, FrameAnswer, never>(
      socketUrl(this.data.socket),
      {
        connection: (state) => {
          this.element.dataset["connection"] = state;
          this.banner.connect(state);
        },
        opened: () => this.mark(ALL, null),
        pull: () => this.pull(),
        frame: (answer) => this.take(answer),
        items: () => {},
        itemsFailed: () => {},
        error: (message) => this.banner.show(message),
      },
      TIME,
    );
  }

  /** Says that parts have to be asked anew, by an event at `stamp` (null: not the hand's doing). */
  private mark(parts: readonly Want[], stamp: number | null): void {
    if (parts.length === 0) return;
    for (const part of parts) this.dirty.add(part);
    if (parts.includes("future")) this.player.stale(true);
    this.pace.touch(stamp);
    this.socket.wake();
  }

  private pull(): FrameBody | null {
    const want = ALL.filter((part) => this.dirty.has(part) && (part !== "future" || this.resting));
    if (want.length === 0 || !this.pace.ready()) return null;
    for (const part of want) this.dirty.delete(part);
    this.pace.take();
    this.pace.spend();
    this.asked = this.edit.samples;
    return { ...this.edit, want };
  }

  private take(answer: FrameAnswer): void {
    const stamp = this.pace.takeStamp();
    if (answer.sequence !== this.edit.sequence) return;
    const { groups, pixels, shape } = answer;
    if (groups.frames) {
      const { first, count } = groups.frames;
      const size = shape[0] * shape[1] * shape[2];
      this.film = { pixels: pixels.slice(first * size, (first + count) * size), count, shape };
      this.strip.paint(answer);
    }
    this.belief.paint(answer, this.film, answer.seen);
    this.jumped.paint(answer, this.film, answer.seen + answer.jump);
    if (groups.future && this.film) {
      this.player.take(answer, this.film, this.asked);
      this.player.stale(this.dirty.has("future"));
    }
    if (stamp !== null) {
      const now = performance.now();
      this.stats.add(now, Math.max(0, now - stamp));
      this.readout.touch();
    }
    if (this.dirty.size > 0) return;
    this.element.dataset["ready"] = "true";
    this.banner.wait("");
  }

  // The hand

  private makeStrip(): Strip {
    let before = this.edit;
    return new Strip({
      start: () => {
        before = { ...this.edit };
        this.dragging = true;
      },
      move: (seen, stamp) => this.set({ seen }, stamp),
      end: () => this.letGo(),
      cancel: () => {
        this.set(before, null);
        this.letGo();
      },
      step: (seen, stamp) => this.step(seen, stamp),
      hide: (hidden) => {
        this.element.classList.toggle("lx-hide-truth", hidden);
        this.player.hide(hidden);
      },
    });
  }

  private step(seen: number, stamp: number): void {
    this.set({ seen: within(seen, 1, this.data.length) }, stamp);
    this.commitLater();
  }

  private keys(): ShortcutGroup[] {
    const see = (by: number) => this.step(this.edit.seen + by, performance.now());
    return [
      {
        title: "Frames seen",
        shortcuts: [
          heard("ArrowRight", "One more", () => see(1), true),
          heard("ArrowLeft", "One less", () => see(-1), true),
          told("Page ↑ / Page ↓", "Five more, five less, with the playhead in focus"),
          told("Home / End", "The first, all of them"),
          told("Esc", "While dragging: put it back"),
          heard("h", "Hide what is to come", () => this.strip.toggle()),
        ],
      },
      {
        title: "Imagined futures",
        shortcuts: [
          heard(" ", "Play, pause", () => this.player.toggle()),
          heard(".", "A moment on", () => this.player.step(1), true),
          heard(",", "A moment back", () => this.player.step(-1), true),
          heard("n", "New draw", () => this.newDraw(performance.now())),
        ],
      },
    ];
  }

  private newDraw(stamp: number): void {
    this.set({ seed: this.edit.seed >= MAX_SEED ? 0 : this.edit.seed + 1 }, stamp);
    this.letGo();
  }

  private listen(): void {
    this.jump.addEventListener("input", (event) => {
      this.dragging = true;
      this.set({ jump: this.jump.valueAsNumber }, event.timeStamp);
    });
    this.jump.addEventListener("change", () => this.letGo());
    for (const name of ["samples", "by", "steps"] as const)
      this.selects[name].addEventListener("change", (event) => {
        this.set({ [name]: Number(this.selects[name].value) }, event.timeStamp);
        this.letGo();
      });
    this.seed.addEventListener("change", (event) => {
      const seed = this.seed.valueAsNumber;
      this.set(
        { seed: Number.isFinite(seed) ? within(seed, 0, MAX_SEED) : this.edit.seed },
        event.timeStamp,
      );
      this.letGo();
    });
  }

  private set(change: Partial<Edit>, stamp: number | null): void {
    const edit = { ...this.edit, ...change };
    const parts = wants(this.edit, edit);
    this.edit = edit;
    this.show();
    if (parts.length === 0) return;
    this.resting = false;
    clearTimeout(this.restTimer);
    this.restTimer = setTimeout(() => this.rest(), REST_MS);
    this.mark(parts, stamp);
  }

  /** The hand rests: what takes longer may be asked for. */
  private rest(): void {
    clearTimeout(this.restTimer);
    this.resting = true;
    this.socket.wake();
  }

  private letGo(): void {
    this.dragging = false;
    this.rest();
    this.commit();
  }

  private commitLater(): void {
    clearTimeout(this.commitTimer);
    this.commitTimer = setTimeout(() => this.commit(), KEY_COMMIT_MS);
  }

  private commit(): void {
    clearTimeout(this.commitTimer);
    this.announce();
    if (this.dragging || sameEdit(this.edit, this.published)) return;
    this.published = { ...this.edit };
    this.publish({ ...this.edit, model: this.data.model.name });
  }

  private announce(): void {
    clearTimeout(this.announceTimer);
    const { seen, jump } = this.edit;
    this.announceTimer = setTimeout(() => {
      this.live.textContent = `${seen} of ${this.data.length} frames seen; a jump of ${jump} shows frame ${seen + jump}`;
    }, ANNOUNCE_MS);
  }

  // What is shown

  private show(): void {
    const { seen, jump, samples, by, steps, seed } = this.edit;
    const { length } = this.data;
    this.strip.show(seen);
    this.belief.say(
      `Believed after frame ${seen}`,
      "Each picture is a state the model thinks possible now, decoded. Average and spread are over 32 draws.",
    );
    const to = seen + jump;
    this.jumped.say(
      `${jump} ${jump === 1 ? "frame" : "frames"} ahead: frame ${to}`,
      to > length
        ? `The sequence ends with frame ${length}: there is no true frame ${to}.`
        : "The states on the left, each moved ahead in time. Average and spread are over 32 draws.",
    );
    this.jump.value = String(jump);
    this.jump.setAttribute("aria-valuetext", `${jump} frames ahead`);
    for (const [name, value] of Object.entries({ samples, by, steps }))
      this.selects[name as "samples"].value = String(value);
    if (document.activeElement !== this.seed || this.seed.valueAsNumber !== seed)
      this.seed.value = String(seed);
  }

  private select(name: string, label: string): HTMLSelectElement {
    return h("select", { class: "select", "aria-label": label, "data-testid": name });
  }

  private futureControls(): HTMLElement {
    const draw = h(
      "button",
      {
        type: "button",
        class: "button text-button",
        title: "Draw again everywhere, with the next seed",
      },
      "New draw",
    );
    draw.addEventListener("click", (event) => this.newDraw(event.timeStamp));
    const { samples, by, steps } = this.selects;
    return h(
      "div",
      { class: "controls" },
      field("Samples", samples),
      field("in jumps of", by),
      field("Steps", steps),
      field("Seed", this.seed, "Decides all random numbers on this page: draws, jumps and futures"),
      draw,
    );
  }
}

/** Fills a select with numbers, once. */
function fill(
  select: HTMLSelectElement,
  values: readonly number[],
  name: (value: number) => string,
): void {
  if (select.options.length === values.length) return;
  select.replaceChildren(
    ...values.map((value) => h("option", { value: String(value) }, name(value))),
  );
}
