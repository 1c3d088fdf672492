// Drags: a pointer that is down on an element becomes {move, up, cancel}; mouse, pen and touch.

export interface Drag {
  move(event: PointerEvent): void;
  up(event: PointerEvent): void;
  /** The drag was given up (Escape, the system, a removal): put everything back. */
  cancel(): void;
}

/** What `draggable` needs of an element, so that it can be tested without a browser. */
export interface DragSource extends EventTarget {
  setPointerCapture(id: number): void;
  hasPointerCapture(id: number): boolean;
  releasePointerCapture(id: number): void;
}

/** Captures a pointer; one that is not really there (a script's event) cannot be, and need not. */
function capture(source: DragSource, pointer: number): void {
  try {
    source.setPointerCapture(pointer);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "NotFoundError")) throw error;
  }
}

/**
 * Lets an element be dragged.
 *
 * `begin` is asked at every press of the main button, and may refuse with null. The pointer is
 * captured, a second finger is ignored while the first is down, and Escape cancels. Where the
 * browser tells of moves as they happen (pointerrawupdate), `move` does not wait for the display's
 * next frame, for which pointermove is kept back.
 *
 * Returns a function that cancels a drag under way and stops listening.
 */
export function draggable(
  source: DragSource,
  begin: (event: PointerEvent) => Drag | null,
  keys: EventTarget = window,
): () => void {
  let drag: Drag | null = null;
  let pointer = -1;
  let newest = 0;

  const finish = () => {
    const ended = drag;
    drag = null;
    keys.removeEventListener("keydown", onKey, true);
    if (source.hasPointerCapture(pointer)) source.releasePointerCapture(pointer);
    return ended;
  };
  const onDown = (e: Event) => {
    const event = e as PointerEvent;
    if (drag || event.button !== 0) return;
    const begun = begin(event);
    if (!begun) return;
    drag = begun;
    pointer = event.pointerId;
    newest = 0;
    capture(source, pointer);
    keys.addEventListener("keydown", onKey, true);
  };
  const onMove = (e: Event) => {
    const event = e as PointerEvent;
    if (!drag || event.pointerId !== pointer || event.timeStamp <= newest) return;
    newest = event.timeStamp;
    drag.move(event);
  };
  const onUp = (e: Event) => {
    const event = e as PointerEvent;
    if (drag && event.pointerId === pointer) finish()?.up(event);
  };
  const onCancel = (e: Event) => {
    const event = e as PointerEvent;
    if (drag && event.pointerId === pointer) finish()?.cancel();
  };
  const onKey = (e: Event) => {
    if ((e as KeyboardEvent).key !== "Escape") return;
    e.preventDefault();
    e.stopPropagation();
    finish()?.cancel();
  };

  source.addEventListener("pointerdown", onDown);
  source.addEventListener("pointerrawupdate", onMove);
  source.addEventListener("pointermove", onMove);
  source.addEventListener("pointerup", onUp);
  source.addEventListener("pointercancel", onCancel);
  source.addEventListener("lostpointercapture", onCancel);
  return () => {
    finish()?.cancel();
    source.removeEventListener("pointerdown", onDown);
    source.removeEventListener("pointerrawupdate", onMove);
    source.removeEventListener("pointermove", onMove);
    source.removeEventListener("pointerup", onUp);
    source.removeEventListener("pointercancel", onCancel);
    source.removeEventListener("lostpointercapture", onCancel);
  };
}
