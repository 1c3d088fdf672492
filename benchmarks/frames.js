// Counts the frames in which a map's picture has changed, alike for the stage and for the maps it is compared with.
//
// It is injected before any script of the page. A frame counts when something was drawn on a canvas of the page (2D or
// WebGL) and a band of pixels across its middle then differs from what it was: the pixels are read in the same task,
// after the drawing calls, so that a queue of commands that were not carried out does not count. A page draws at most
// one frame between two animation frames.
//   hover   from the time stamp of a pointer's move to the moment when the card of a point has changed and is complete
(() => {
  const LEAST = 300; // css pixels, a map's width
  const BAND = 8; // device pixels
  const ROUNDS = 120_000; // longest list of frames
  let running = false;
  let began = 0;
  let frame = 0; // animation frames since the page came
  let last = -1; // the animation frame that was counted last
  let counted = []; // times
  let animation = 0;
  const hashes = new WeakMap();
  const dirty = new Set();

  const tick = () => {
    frame += 1;
    if (running) animation += 1;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);

  const hashOf = (pixels) => {
    const words = new Uint32Array(pixels.buffer, pixels.byteOffset, pixels.byteLength >> 2);
    let hash = 0;
    for (let i = 0; i < words.length; i++) hash = (Math.imul(hash, 31) + words[i]) | 0;
    return hash;
  };
  const getImageData = CanvasRenderingContext2D.prototype.getImageData;
  const read = (context) => {
    const { width, height } = context.canvas;
    const top = Math.max(0, (height - BAND) >> 1);
    if (context instanceof CanvasRenderingContext2D)
      return getImageData.call(context, 0, top, width, Math.min(BAND, height)).data;
    const bound = context.getParameter(context.FRAMEBUFFER_BINDING);
    context.bindFramebuffer(context.FRAMEBUFFER, null);
    const pixels = new Uint8Array(4 * width * BAND);
    context.readPixels(0, top, width, BAND, context.RGBA, context.UNSIGNED_BYTE, pixels);
    context.bindFramebuffer(context.FRAMEBUFFER, bound);
    return pixels;
  };
  const look = () => {
    const contexts = [...dirty];
    dirty.clear();
    for (const context of contexts) {
      const hash = hashOf(read(context));
      if (hash === hashes.get(context)) continue;
      hashes.set(context, hash);
      if (!running || frame === last || counted.length >= ROUNDS) continue;
      last = frame;
      counted.push(performance.now() - began);
    }
  };
  const drew = (context) => {
    const { canvas } = context;
    if (!canvas.isConnected || canvas.clientWidth < LEAST) return;
    if (dirty.size === 0) queueMicrotask(look);
    dirty.add(context);
  };
  const watch = (prototype, names) => {
    for (const name of names) {
      const draw = prototype[name];
      prototype[name] = function (...rest) {
        const given = draw.apply(this, rest);
        drew(this);
        return given;
      };
    }
  };
  watch(CanvasRenderingContext2D.prototype, ["drawImage", "putImageData"]);
  watch(WebGLRenderingContext.prototype, ["drawArrays", "drawElements"]);
  watch(WebGL2RenderingContext.prototype, ["drawArrays", "drawElements"]);

  // Hovering: which card is shown, by each map's own means.

  let stamp = 0;
  let shown = "";
  let waits = [];
  const heard = (text) => {
    if (text === shown) return;
    shown = text;
    if (text === "" || stamp === 0) return;
    waits.push(performance.now() - stamp);
    stamp = 0;
  };
  const card = () => {
    const stage = document.querySelector(".lx-hover:not([hidden]):not(.lx-waiting)");
    return (stage ?? document.querySelector(".hoverlayer .hovertext"))?.textContent ?? "";
  };
  addEventListener(
    "pointermove",
    (event) => {
      if (event.buttons === 0) stamp = event.timeStamp;
    },
    true,
  );
  new MutationObserver(() => heard(card())).observe(document, {
    subtree: true,
    childList: true,
    characterData: true,
    attributes: true,
    attributeFilter: ["hidden", "class"],
  });

  window.mapProbe = {
    /** A map without a card tells which point it has found; "" for none. */
    heard,
    start: () => {
      began = performance.now();
      counted = [];
      animation = 0;
      last = -1;
      running = true;
    },
    stop: () => {
      running = false;
      return { ms: performance.now() - began, frames: counted, animation };
    },
    hovers: () => waits.splice(0),
  };
})();
