// Measures latency inside the page, in the same way for the stage and for the sliders it is compared with.
//
// It is injected before any script of the page and uses no measurement of the page's own.
//   stamp   time stamp that the browser gave the newest input event (pointermove or pointerrawupdate with the
//           button pressed, keydown) whose position or value the picture shows
//   heard   when the page's first listener received the event
//   drawn   when the picture's pixels have changed: after putImageData on the last canvas of an answer, or in the
//           load event of the <img>
//   shown   the next animation frame after that
// Assigning events to pictures: the stage's requests carry a number (`seq`) that the answers repeat, so an answer
// belongs to the newest event at the time of its request. A slider's picture has the slider's value in its `alt`
// text or caption, so it belongs to the newest event that set the slider to this value.
(() => {
  let hand = null; // [stamp, heard] of the newest event
  let newest = 0; // its stamp
  let running = false;
  let began = 0;
  let events = 0;
  let values = 0; // values of a slider
  let frames = 0; // animation frames
  let pictures = []; // [stamp, heard, drawn, shown, differs]
  let waiting = []; // drawn, not yet shown

  const heed = (event) => {
    if (event.type !== "keydown" && !(event.buttons & 1)) return;
    if (event.timeStamp <= newest) return; // already received before its frame
    newest = event.timeStamp;
    hand = [event.timeStamp, performance.now()];
    if (running) events += 1;
  };
  addEventListener("pointermove", heed, true);
  addEventListener("keydown", heed, true);
  let raw = false; // only a page with a live socket can answer a move before its frame

  const tick = () => {
    const now = performance.now();
    for (const picture of waiting) picture[3] = now;
    waiting = [];
    if (running) frames += 1;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);

  const record = (from, differs) => {
    const picture = [...from, performance.now(), 0, differs];
    if (running) pictures.push(picture);
    waiting.push(picture);
    return picture;
  };

  // The stage: numbered requests and answers, canvases.

  const asked = new Map(); // seq -> [stamp, heard]
  let answering = null; // [stamp, heard] of the answer being painted
  let painting = null; // its record

  const answered = (data) => {
    answering = painting = null;
    if (!(data instanceof ArrayBuffer)) return;
    const length = Math.min(120, new DataView(data).getUint32(4, true));
    const head = new TextDecoder().decode(new Uint8Array(data, 8, length));
    const seq = /"type":"frame","seq":(\d+)/.exec(head)?.[1];
    if (seq === undefined) return;
    answering = asked.get(seq) ?? null;
    asked.delete(seq);
  };
  window.WebSocket = class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      if (!String(rest[0]).includes("/live/")) return;
      if (!raw) addEventListener("pointerrawupdate", heed, true);
      raw = true;
      this.addEventListener("message", (event) => answered(event.data)); // before the page's own listener
    }
    send(data) {
      const seq = typeof data === "string" && /^\{"type":"frame","seq":(\d+)/.exec(data)?.[1];
      if (seq && hand) {
        asked.set(seq, hand);
        hand = null; // a request without a newer event is not caused by input
      }
      super.send(data);
    }
  };

  let before = 0; // hash of picture A
  const hashOf = (image) => {
    const pixels = new Uint32Array(image.data.buffer);
    let hash = 0;
    for (let i = 0; i < pixels.length; i++) hash = (Math.imul(hash, 31) + pixels[i]) | 0;
    return hash;
  };
  const put = CanvasRenderingContext2D.prototype.putImageData;
  CanvasRenderingContext2D.prototype.putImageData = function (image, ...rest) {
    put.call(this, image, ...rest);
    if (!answering) return;
    const first = this.canvas.dataset.testid === "picture-A";
    if (!first && !this.canvas.closest('[data-testid="filmstrip"]')) return;
    const now = performance.now();
    if (first) {
      const hash = hashOf(image);
      painting = record(answering, hash !== before);
      painting[2] = now;
      before = hash;
    } else if (painting) painting[2] = now;
  };

  // A slider: its values, and the pictures that show one.

  const valued = new Map(); // value -> [stamp, heard]
  const value = (text) => {
    if (!hand) return;
    valued.set(Number(text).toFixed(3), hand);
    if (running) values += 1;
  };
  addEventListener("input", (event) => value(event.target.value), true);
  new MutationObserver((changes) => {
    for (const change of changes) value(change.target.getAttribute("aria-valuetext"));
  }).observe(document, { subtree: true, attributes: true, attributeFilter: ["aria-valuetext"] });
  const named = (image) => {
    const caption = image.closest('[data-testid="stImage"]')?.querySelector('[data-testid="stImageCaption"]');
    return (image.alt || caption?.textContent || "").trim();
  };
  document.addEventListener(
    "load",
    (event) => {
      const from = event.target instanceof HTMLImageElement && valued.get(named(event.target));
      if (from) record(from, true);
    },
    true,
  );

  window.latentProbe = {
    /** Pictures since the start, from any cause; a gesture waits for them. */
    count: () => pictures.length,
    running: () => running,
    start: () => {
      began = performance.now();
      events = values = frames = 0;
      pictures = [];
      running = true;
    },
    stop: () => {
      running = false;
      return { ms: performance.now() - began, events, values, frames, pictures: pictures.filter((p) => p[3] > 0) };
    },
  };
})();
