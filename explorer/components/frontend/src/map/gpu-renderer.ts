// Draws the points of a map with WebGL2, where the page has a real GPU; a worker indexes them.
import { DIM, deviceView, pointStyle, type Scene } from "./painter";
import type { Answer, Question } from "./questions";
import { PaintWorker, type Renderer, type RendererEvents } from "./renderer";

const VERTEX = `#version 300 es
in vec2 place;
in vec2 before;
in uint shade;
uniform vec2 scale, shift;
uniform float glided, size;
uniform int pass;
uniform highp usampler2D lit;
uniform sampler2D palette;
out vec3 colour;
void main() {
  ivec2 cell = ivec2(int(shade) & 255, int(shade) >> 8);
  colour = texelFetch(palette, cell, 0).rgb;
  bool drawn = int(texelFetch(lit, cell, 0).r) == pass;
  gl_Position = vec4(drawn ? mix(before, place, glided) * scale + shift : vec2(9.0), 0.0, 1.0);
  gl_PointSize = size;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec3 colour;
uniform float size, radius, opacity;
out vec4 pixel;
void main() {
  float away = length(gl_PointCoord - 0.5) * size;
  float a = opacity * clamp(radius + 0.5 - away, 0.0, 1.0);
  pixel = vec4(colour * a, a);
}`;
/** Texels of a row of the palette. */
const ROW = 256;
const ROWS = 256;

type Gl = WebGL2RenderingContext;

function compile(gl: Gl): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, VERTEX],
    [gl.FRAGMENT_SHADER, FRAGMENT],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("WebGL2 has no shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  ["place", "before", "shade"].forEach((name, i) => {
    gl.bindAttribLocation(program, i, name);
  });
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS))
    throw new Error(`WebGL2 cannot draw the map: ${gl.getProgramInfoLog(program)}`);
  return program;
}

/** Whether a WebGL renderer of this name computes on the processor, which browsers do not always admit. */
export const isSoftware = (renderer: string): boolean =>
  /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);

function nameOf(gl: Gl): string {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

export class GpuRenderer implements Renderer {
  readonly name = "gpu";
  readonly margin = 0;
  private readonly canvas = document.createElement("canvas");
  private readonly gl: Gl;
  private readonly program: WebGLProgram;
  private readonly buffers: WebGLBuffer[];
  private readonly worker: PaintWorker;
  private readonly uniforms = new Map<string, WebGLUniformLocation | null>();
  private count = 0;
  private shades = 1;

  /**
   * Raises:
   *   Error: where there is no GPU, or WebGL2 is done by the processor.
   */
  constructor(private readonly on: RendererEvents) {
    const options = { failIfMajorPerformanceCaveat: true, antialias: false, alpha: false };
    const gl = this.canvas.getContext("webgl2", options) as Gl | null;
    if (!gl || isSoftware(nameOf(gl))) throw new Error("There is no GPU.");
    this.gl = gl;
    this.program = compile(gl);
    this.buffers = [gl.createBuffer(), gl.createBuffer(), gl.createBuffer()];
    for (const unit of [0, 1]) {
      gl.activeTexture(gl.TEXTURE0 + unit);
      gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    }
    this.worker = new PaintWorker(on);
    this.canvas.addEventListener("webglcontextlost", this.lost);
  }

  setPoints(xy: Float32Array, from: Float32Array | null): void {
    const { gl } = this;
    this.count = xy.length >> 1;
    this.fill(0, xy);
    this.fill(1, from ?? xy);
    for (const i of [0, 1]) {
      gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[i]);
      gl.enableVertexAttribArray(i);
      gl.vertexAttribPointer(i, 2, gl.FLOAT, false, 0, 0);
    }
    this.worker.setPoints(xy, null);
    this.worker.post({ type: "index" });
  }

  setShading(shade: Uint16Array, palette: Uint32Array): void {
    const { gl } = this;
    this.fill(2, shade);
    gl.enableVertexAttribArray(2);
    gl.vertexAttribIPointer(2, 1, gl.UNSIGNED_SHORT, 0, 0);
    this.shades = palette.length;
    const colours = new Uint8Array(4 * ROW * ROWS);
    colours.set(new Uint8Array(palette.buffer, palette.byteOffset, palette.byteLength));
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, ROW, ROWS, 0, gl.RGBA, gl.UNSIGNED_BYTE, colours);
    this.worker.post({ type: "shading", shade, palette });
  }

  ask(question: Question, done: (answer: Answer | null) => void): void {
    this.worker.ask(question, done);
  }

  draw(scene: Scene): void {
    const { gl } = this;
    const { ratio, lit } = scene;
    const view = deviceView(scene.view, ratio);
    const { width, height } = view;
    if (width === 0 || height === 0 || gl.isContextLost()) return;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    gl.viewport(0, 0, width, height);
    const part = (shift: number) => ((scene.background >>> shift) & 255) / 255;
    gl.clearColor(part(0), part(8), part(16), 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(this.program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.setLit(lit);
    gl.uniform1i(this.at("palette"), 0);
    gl.uniform1i(this.at("lit"), 1);
    gl.uniform2f(this.at("scale"), (2 * view.kx) / width, (2 * view.ky) / height);
    gl.uniform2f(
      this.at("shift"),
      (-2 * view.cx * view.kx) / width,
      (-2 * view.cy * view.ky) / height,
    );
    gl.uniform1f(this.at("glided"), scene.glided);
    const { radius, opacity } = pointStyle(this.count, scene, ratio);
    if (lit) this.pass(0, 0.85 * radius, DIM);
    this.pass(1, radius, opacity);
    this.on.picture({
      view: scene.view,
      ratio,
      width,
      height,
      density: false,
      source: this.canvas,
    });
  }

  stop(): void {
    this.canvas.removeEventListener("webglcontextlost", this.lost);
    this.worker.stop();
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }

  /** Draws the points that are marked so in `lit`. */
  private pass(marked: 0 | 1, radius: number, opacity: number): void {
    const { gl } = this;
    gl.uniform1i(this.at("pass"), marked);
    gl.uniform1f(this.at("radius"), radius);
    gl.uniform1f(this.at("size"), 2 * radius + 2);
    gl.uniform1f(this.at("opacity"), opacity);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  private setLit(lit: Uint8Array | null): void {
    const { gl } = this;
    const marks = new Uint8Array(ROW * ROWS).fill(lit ? 0 : 1);
    if (lit) marks.set(lit.subarray(0, Math.min(this.shades, marks.length)));
    gl.activeTexture(gl.TEXTURE1);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8UI, ROW, ROWS, 0, gl.RED_INTEGER, gl.UNSIGNED_BYTE, marks);
  }

  private fill(buffer: number, data: Float32Array | Uint16Array): void {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, this.buffers[buffer]);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, data, this.gl.STATIC_DRAW);
  }

  private at(name: string): WebGLUniformLocation | null {
    let place = this.uniforms.get(name);
    if (place === undefined) {
      place = this.gl.getUniformLocation(this.program, name);
      this.uniforms.set(name, place);
    }
    return place;
  }

  private readonly lost = (event: Event) => {
    event.preventDefault();
    this.on.failed();
  };
}
