// The filmstrip: the pictures on the way from A to B, one canvas a frame.
import type { Choice } from "../../dom";
import { field, h, segmented, setText } from "../../dom";
import { verdict } from "../../gauge";
import { PictureCanvas } from "../../pictures";
import type { Edit, HandleName, PathKind } from "../../types";
import type { FrameAnswer } from "./wire";

const COUNTS = [0, 5, 7, 9, 11, 13, 15];

interface Frame {
  figure: HTMLElement;
  bits: HTMLElement;
  picture: PictureCanvas;
}

export interface FilmstripEvents {
  count(frames: number, stamp: number): void;
  path(path: PathKind): void;
  /** The frame under the pointer or in focus, -1 for none. */
  look(index: number): void;
  /** A frame was chosen: the active handle goes there. */
  take(index: number): void;
}

export class Filmstrip {
  private readonly row = h("div", { class: "strip", "data-testid": "filmstrip" });
  private readonly loupe = new PictureCanvas(h("canvas", { class: "loupe-picture" }));
  private readonly loupeText = h("span", { class: "loupe-text" });
  private readonly loupeBox = h("div", { class: "loupe", "aria-hidden": "true" });
  private readonly select = h("select", { class: "select", "aria-label": "Pictures in the strip" });
  private readonly path: Choice<PathKind>;
  private readonly pathField: HTMLElement;
  private readonly title = h("span");
  private readonly unit = h(
    "span",
    { class: "unit", title: "A bound on the likelihood of each picture; less is likelier" },
    "bits/dim",
  );
  private frames: Frame[] = [];
  private off: number[] = [];
  private looked = -1;
  private active: HandleName = "A";
  /** The one frame that Tab reaches; the arrow keys lead to the others. */
  private reached = 0;
  readonly element: HTMLElement;

  constructor(private readonly on: FilmstripEvents) {
    for (const count of COUNTS)
      this.select.append(
        h("option", { value: String(count) }, count === 0 ? "Off" : `${count} pictures`),
      );
    this.select.addEventListener("change", (event) =>
      on.count(Number(this.select.value), event.timeStamp),
    );
    this.path = segmented<PathKind>(
      "Path from A to B",
      [
        ["straight", "Straight"],
        ["great-circle", "Great circle"],
      ],
      (path) => on.path(path),
    );
    this.pathField = field(
      "Path",
      this.path.element,
      "Straight: the direct line in latent space. Great circle: an arc around the origin, on which " +
        "the length of the latent changes evenly; the line passes nearer to the origin.",
    );
    this.loupeBox.append(this.loupe.canvas, this.loupeText);
    this.loupeBox.hidden = true;
    this.unit.hidden = true;
    this.element = h(
      "section",
      { class: "film", "aria-label": "Filmstrip from A to B" },
      h(
        "header",
        { class: "head" },
        h("h3", { class: "title" }, this.title, this.unit),
        h("div", { class: "controls" }, this.pathField, this.select),
      ),
      h("div", { class: "strip-box" }, this.row, this.loupeBox),
    );
    this.row.addEventListener("pointerover", (event) => this.look(this.frameOf(event.target)));
    this.row.addEventListener("pointerleave", () => this.look(-1));
    this.row.addEventListener("focusin", (event) => this.reach(this.frameOf(event.target)));
    this.row.addEventListener("focusout", () => this.look(-1));
    this.row.addEventListener("click", (event) => this.take(this.frameOf(event.target)));
    this.row.addEventListener("keydown", (event) => this.key(event));
  }

  /** Names the handle that a chosen frame takes. */
  setActive(name: HandleName): void {
    if (name === this.active) return;
    this.active = name;
    this.label();
  }

  private take(index: number): void {
    if (index >= 0) this.on.take(index);
  }

  private reach(index: number): void {
    if (index < 0) return;
    this.reached = index;
    this.frames.forEach(({ figure }, i) => {
      figure.tabIndex = i === index ? 0 : -1;
    });
    if (this.frames[index].figure.matches(":focus-visible")) this.look(index);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.frames.length - 1;
    const to: Record<string, number> = {
      ArrowLeft: Math.max(0, this.reached - 1),
      ArrowRight: Math.min(last, this.reached + 1),
      Home: 0,
      End: last,
    };
    if (event.key in to) this.frames[to[event.key]]?.figure.focus();
    else if (event.key === "Enter" || event.key === " ") this.take(this.reached);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private label(): void {
    this.frames.forEach(({ figure }, i) => {
      const says = `Picture ${i + 1} of ${this.frames.length} from A to B`;
      figure.setAttribute("aria-label", `${says}; put handle ${this.active} here`);
    });
  }

  /** Shows an edit's choices and makes room for its frames. */
  show(edit: Edit): void {
    if (![...this.select.options].some((o) => o.value === String(edit.frames)))
      this.select.append(h("option", { value: String(edit.frames) }, `${edit.frames} pictures`));
    this.select.value = String(edit.frames);
    this.path.set(edit.path);
    this.pathField.hidden = edit.frames === 0;
    this.element.classList.toggle("lx-empty", edit.frames === 0);
    this.element.classList.toggle("lx-apart", edit.level > 0);
    setText(this.title, edit.level > 0 ? "From A to B in one level" : "From A to B");
    if (edit.frames !== this.frames.length) this.rebuild(edit.frames);
  }

  private rebuild(count: number): void {
    this.look(-1);
    while (this.frames.length > count) this.frames.pop()?.figure.remove();
    while (this.frames.length < count) {
      const index = this.frames.length;
      const canvas = h("canvas", { class: "frame-picture" });
      const bits = h("span", { class: "frame-bits" });
      const figure = h(
        "div",
        { class: "frame", role: "button", tabindex: "-1" },
        canvas,
        h("span", { class: "frame-off" }),
        bits,
      );
      figure.dataset["index"] = String(index);
      this.frames.push({ figure, bits, picture: new PictureCanvas(canvas) });
      this.row.append(figure);
    }
    this.row.style.setProperty("--lx-frames", String(Math.max(1, count)));
    this.label();
    this.reached = Math.max(0, Math.min(this.reached, count - 1));
    this.frames.forEach(({ figure }, i) => {
      figure.tabIndex = i === this.reached ? 0 : -1;
    });
  }

  /** Paints the strip's pictures of an answer; `first` is the place of S0 among them. */
  paint(answer: FrameAnswer, first: number): void {
    const count = Math.min(this.frames.length, answer.pictures.length - first);
    for (let i = 0; i < count; i++) {
      const { figure, picture } = this.frames[i];
      picture.paint(answer.pixels, first + i, answer.shape);
      const off = answer.off[i];
      const what = off === undefined ? "" : verdict(off);
      if (figure.dataset["verdict"] !== what) figure.dataset["verdict"] = what;
    }
    this.off = answer.off;
    if (this.looked >= 0) this.fillLoupe();
  }

  /** Shows the likelihood of each frame, in bits/dim; none where the model gives none. */
  showLikelihood(bits: readonly number[]): void {
    this.row.classList.remove("lx-stale");
    this.row.classList.toggle("lx-likely-shown", bits.length > 0);
    this.frames.forEach((frame, i) => {
      setText(frame.bits, bits[i] === undefined ? "" : bits[i].toFixed(2));
    });
    this.unit.hidden = bits.length === 0;
  }

  /** The pictures have moved on since their likelihood was asked for. */
  staleLikelihood(): void {
    this.row.classList.add("lx-stale");
  }

  private frameOf(target: EventTarget | null): number {
    const figure = target instanceof Element ? target.closest<HTMLElement>(".lx-frame") : null;
    return figure ? Number(figure.dataset["index"]) : -1;
  }

  private look(index: number): void {
    if (index === this.looked) return;
    this.looked = index;
    this.loupeBox.hidden = index < 0;
    this.on.look(index);
    if (index < 0) return;
    this.fillLoupe();
    const { figure } = this.frames[index];
    const middle = figure.offsetLeft + figure.offsetWidth / 2;
    const half = this.loupeBox.offsetWidth / 2;
    const most = this.row.clientWidth - half;
    this.loupeBox.style.left = `${Math.max(half, Math.min(most, middle))}px`;
  }

  private fillLoupe(): void {
    const frame = this.frames[this.looked];
    if (!frame) return;
    this.loupe.copy(frame.picture.canvas);
    const off = this.off[this.looked];
    this.loupeText.textContent =
      `${this.looked + 1} of ${this.frames.length}` +
      (off === undefined ? "" : ` · ${verdict(off)}`) +
      ` · click: ${this.active} here`;
  }
}
