// Pan, pinch, wheel and tap on the map's background, as calls that know nothing of the map.
export interface PanZoom {
  pan(dx: number, dy: number): void;
  /** Zoom by a factor about a place of the element (css pixels). */
  zoom(factor: number, x: number, y: number): void;
  tap(x: number, y: number, event: PointerEvent): void;
  /** The pointer moves over the element without being down, or a finger rests on it. */
  hover(x: number, y: number): void;
  leave(): void;
}

const TAP_PX = 4;
const TAP_MS = 500;
const DOUBLE_MS = 300;
const HOLD_MS = 450;

interface Finger {
  x: number;
  y: number;
}

/** The zoom factor of a wheel step; a pinch on a touchpad comes as a wheel with ctrl. */
export function wheelFactor(event: { deltaY: number; deltaMode: number; ctrlKey: boolean }) {
  const unit = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
  const step = Math.max(-120, Math.min(120, event.deltaY * unit));
  return Math.exp(-step * (event.ctrlKey ? 0.01 : 0.0022));
}

/**
 * Listens on an element; returns a function that stops.
 *
 * Arguments:
 *   element: the map's background, which pointers press.
 *   map: the map with all that lies on it: the wheel zooms over handles, too.
 *   on: what is told.
 */
export function panZoom(element: HTMLElement, map: HTMLElement, on: PanZoom): () => void {
  const fingers = new Map<number, Finger>();
  let start: Finger & { time: number } = { x: 0, y: 0, time: 0 };
  let moved = false;
  let lastTap = { x: 0, y: 0, time: -Infinity };
  let holding: ReturnType<typeof setTimeout> | undefined;
  let touched = false;

  const place = (event: MouseEvent): Finger => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const middle = (): Finger & { spread: number } => {
    const [a, b] = [...fingers.values()];
    return {
      x: (a.x + b.x) / 2,
      y: (a.y + b.y) / 2,
      spread: Math.max(1, Math.hypot(a.x - b.x, a.y - b.y)),
    };
  };
  const down = (event: PointerEvent) => {
    if (event.target !== element || event.button !== 0 || fingers.size >= 2) return;
    const at = place(event);
    fingers.set(event.pointerId, at);
    element.setPointerCapture(event.pointerId);
    element.focus({ preventScroll: true });
    moved = fingers.size > 1;
    start = { ...at, time: event.timeStamp };
    touched = event.pointerType === "touch";
    on.leave();
    clearTimeout(holding);
    if (touched && fingers.size === 1) holding = setTimeout(hold, HOLD_MS);
  };
  /** A finger that rests shows what a mouse shows on hovering, and does not tap any more. */
  const hold = () => {
    if (moved || fingers.size !== 1) return;
    moved = true;
    on.hover(start.x, start.y);
  };
  const move = (event: PointerEvent) => {
    const at = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch" && event.target === element) on.hover(at.x, at.y);
      else if (event.target !== element) on.leave();
      return;
    }
    if (!moved && Math.hypot(at.x - start.x, at.y - start.y) < TAP_PX) return;
    if (!moved && fingers.size === 1) {
      // The first pan starts from the press, so that nothing is lost to the threshold.
      before.x = start.x;
      before.y = start.y;
    }
    moved = true;
    if (fingers.size === 1) {
      fingers.set(event.pointerId, at);
      on.pan(at.x - before.x, at.y - before.y);
      return;
    }
    const old = middle();
    fingers.set(event.pointerId, at);
    const now = middle();
    on.pan(now.x - old.x, now.y - old.y);
    on.zoom(now.spread / old.spread, now.x, now.y);
  };
  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return;
    clearTimeout(holding);
    if (moved || event.type !== "pointerup" || event.timeStamp - start.time > TAP_MS) return;
    const near = Math.hypot(start.x - lastTap.x, start.y - lastTap.y) < 12;
    if (near && event.timeStamp - lastTap.time < DOUBLE_MS) {
      on.zoom(event.shiftKey ? 0.5 : 2, start.x, start.y);
      lastTap = { x: 0, y: 0, time: -Infinity };
      return;
    }
    lastTap = { x: start.x, y: start.y, time: event.timeStamp };
    on.tap(start.x, start.y, event);
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const at = place(event);
    on.zoom(wheelFactor(event), at.x, at.y);
  };
  /** What a finger has shown stays when it is lifted. */
  const leave = (event: PointerEvent) => {
    if (event.pointerType !== "touch") on.leave();
  };
  const menu = (event: Event) => {
    if (touched) event.preventDefault(); // a finger that rests
  };
  /** One finger may scroll the page; two are the map's. */
  const touch = (event: TouchEvent) => {
    if (event.touches.length > 1 && event.cancelable) event.preventDefault();
  };

  element.addEventListener("pointerdown", down);
  element.addEventListener("pointermove", move);
  element.addEventListener("pointerup", up);
  element.addEventListener("pointercancel", up);
  element.addEventListener("pointerleave", leave);
  map.addEventListener("wheel", wheel, { passive: false });
  element.addEventListener("contextmenu", menu);
  element.addEventListener("touchstart", touch, { passive: false });
  element.addEventListener("touchmove", touch, { passive: false });
  return () => {
    clearTimeout(holding);
    element.removeEventListener("contextmenu", menu);
    element.removeEventListener("pointerdown", down);
    element.removeEventListener("pointermove", move);
    element.removeEventListener("pointerup", up);
    element.removeEventListener("pointercancel", up);
    element.removeEventListener("pointerleave", leave);
    map.removeEventListener("wheel", wheel);
    element.removeEventListener("touchstart", touch);
    element.removeEventListener("touchmove", touch);
  };
}
