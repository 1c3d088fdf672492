// Positions and colours of a map's points, as `explorer/live/map_points.py` packs them; every field is checked.
import { fail } from "./readers";

const MAGIC = 0x314d584c; // "LXM1", little-endian
const HEADER = 64;
const MISSING_BYTE = 255;
const MISSING_SHORT = 65535;

/** Bytes of a number in the answer, by kind; undefined where there is no such kind. */
const POSITION_BYTES: readonly number[] = [0, 4, 2];
const VALUE_BYTES: readonly number[] = [0, 4, 1, 2];

export interface MapPoints {
  /** Interleaved x, y. */
  readonly xy: Float32Array | null;
  /** What the points are coloured by; NaN where missing. */
  readonly values: Float32Array | null;
}

interface Header {
  readonly positions: number;
  readonly values: number;
  /** Low and step of x, of y and of the values. */
  readonly scales: readonly number[];
}

function readHeader(buffer: ArrayBuffer, count: number, what: string): Header {
  if (buffer.byteLength < HEADER) fail(`${what} is too short`);
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) fail(`${what} has another format`);
  const points = view.getUint32(4, true);
  if (points !== count) fail(`${what} has ${points} points, not ${count}`);
  const [positions, values] = [view.getUint8(8), view.getUint8(9)];
  const each = 2 * POSITION_BYTES[positions] + VALUE_BYTES[values]; // NaN for an unknown kind
  if (buffer.byteLength !== HEADER + each * count) fail(`${what} has another length`);
  const scales = [0, 1, 2, 3, 4, 5].map((place) => view.getFloat64(16 + 8 * place, true));
  if (!scales.every(Number.isFinite)) fail(`${what} has an impossible scale`);
  return { positions, values, scales };
}

/** Numbers on grids, one for each of the interleaved columns. */
function onGrid(places: Uint16Array, scales: readonly number[]): Float32Array {
  const columns = scales.length >> 1;
  const found = new Float32Array(places.length);
  for (let column = 0; column < columns; column++) {
    const [low, step] = [scales[2 * column], scales[2 * column + 1]];
    for (let i = column; i < places.length; i += columns) found[i] = low + step * places[i];
  }
  return found;
}

function positionsOf(buffer: ArrayBuffer, count: number, header: Header): Float32Array | null {
  if (header.positions === 0) return null;
  if (header.positions === 1) return new Float32Array(buffer, HEADER, 2 * count).slice();
  return onGrid(new Uint16Array(buffer, HEADER, 2 * count), header.scales.slice(0, 4));
}

function valuesOf(buffer: ArrayBuffer, count: number, header: Header): Float32Array | null {
  const start = HEADER + 2 * POSITION_BYTES[header.positions] * count;
  if (header.values === 0) return null;
  if (header.values === 1) return new Float32Array(buffer, start, count).slice();
  if (header.values === 2)
    return Float32Array.from(new Uint8Array(buffer, start, count), (value) =>
      value === MISSING_BYTE ? Number.NaN : value,
    );
  const places = new Uint16Array(buffer, start, count);
  const found = onGrid(places, header.scales.slice(4));
  for (let i = 0; i < count; i++) if (places[i] === MISSING_SHORT) found[i] = Number.NaN;
  return found;
}

/** Reads the points of a map. Raises WireError where the answer breaks a rule. */
export const mapPoints =
  (count: number, what: string) =>
  (buffer: ArrayBuffer): MapPoints => {
    const header = readHeader(buffer, count, what);
    return {
      xy: positionsOf(buffer, count, header),
      values: valuesOf(buffer, count, header),
    };
  };

/** Reads the positions of an answer that must have them. */
export const mapPositions =
  (count: number, what: string) =>
  (buffer: ArrayBuffer): Float32Array =>
    mapPoints(count, what)(buffer).xy ?? fail(`${what} has no positions`);

/** Reads the values of an answer that must have them. */
export const mapValues =
  (count: number, what: string) =>
  (buffer: ArrayBuffer): Float32Array =>
    mapPoints(count, what)(buffer).values ?? fail(`${what} has no values`);
