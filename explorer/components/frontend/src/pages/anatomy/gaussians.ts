// Kullback-Leibler divergences of Gaussians in the plane, and the diagonal Gaussian that is best by each.
//
// KL(q||p) = 1/2 (tr(P^-1 Q) + (m_p - m_q)' P^-1 (m_p - m_q) - 2 + log |P|/|Q|)   for two Gaussians;
// for a mixture p by quadrature on a grid: the integral of q log p, and p's entropy.
//
// References: Pattern Recognition and Machine Learning (Bishop, 2006), section 10.1.2; Divergence
// measures and message passing (Minka, 2005).

export type Vec = readonly [x: number, y: number];

/** A Gaussian; the covariance is [xx, xy, yy]. */
export interface Gaussian {
  readonly mean: Vec;
  readonly cov: readonly [number, number, number];
}

/** A Gaussian whose dimensions are independent. */
export interface Diagonal {
  readonly mean: Vec;
  readonly std: Vec;
}

/** A mixture of Gaussians with weights that sum to 1. */
export type Mixture = readonly { readonly weight: number; readonly part: Gaussian }[];

const LOG_TWO_PI = Math.log(2 * Math.PI);
/** Quadrature: points on each axis, and how many standard deviations they reach. */
const POINTS = 81;
const REACH = 7;

export const full = (q: Diagonal): Gaussian => ({
  mean: q.mean,
  cov: [q.std[0] ** 2, 0, q.std[1] ** 2],
});

const determinant = ([a, b, c]: Gaussian["cov"]): number => a * c - b * b;

/** (x - mean)' cov^-1 (x - mean). */
function distance({ mean, cov }: Gaussian, x: number, y: number): number {
  const [a, b, c] = cov;
  const dx = x - mean[0];
  const dy = y - mean[1];
  return (c * dx * dx - 2 * b * dx * dy + a * dy * dy) / determinant(cov);
}

/** The log-density of a mixture, in nats, as a function that is quick to call again and again. */
export function logDensity(p: Mixture): (x: number, y: number) => number {
  const parts = p.map(({ weight, part: { mean, cov } }) => {
    const size = determinant(cov);
    const [a, b, c] = cov.map((v) => -0.5 * (v / size));
    const top = Math.log(weight) - LOG_TWO_PI - 0.5 * Math.log(size);
    return { mx: mean[0], my: mean[1], a, b, c, top };
  });
  const logs = new Float64Array(parts.length);
  return (x, y) => {
    let largest = -Infinity;
    for (let k = 0; k < parts.length; k++) {
      const { mx, my, a, b, c, top } = parts[k];
      const dx = x - mx;
      const dy = y - my;
      const log = top + c * dx * dx - 2 * b * dx * dy + a * dy * dy;
      logs[k] = log;
      if (log > largest) largest = log;
    }
    let sum = 0;
    for (let k = 0; k < logs.length; k++) sum += Math.exp(logs[k] - largest);
    return largest + Math.log(sum);
  };
}

/** Mean and covariance of a mixture. */
export function moments(p: Mixture): Gaussian {
  let [mx, my] = [0, 0];
  for (const { weight, part } of p) {
    mx += weight * part.mean[0];
    my += weight * part.mean[1];
  }
  let [xx, xy, yy] = [0, 0, 0];
  for (const { weight, part } of p) {
    const dx = part.mean[0] - mx;
    const dy = part.mean[1] - my;
    xx += weight * (part.cov[0] + dx * dx);
    xy += weight * (part.cov[1] + dx * dy);
    yy += weight * (part.cov[2] + dy * dy);
  }
  return { mean: [mx, my], cov: [xx, xy, yy] };
}

/** Entropy of a Gaussian, in nats. */
export const gaussianEntropy = ({ cov }: Gaussian): number =>
  1 + LOG_TWO_PI + 0.5 * Math.log(determinant(cov));

/** KL(q||p) of two Gaussians, in nats. */
export function klGaussians(q: Gaussian, p: Gaussian): number {
  const size = determinant(p.cov);
  const [a, b, c] = p.cov;
  const trace = (c * q.cov[0] - 2 * b * q.cov[1] + a * q.cov[2]) / size;
  const gap = distance(p, q.mean[0], q.mean[1]);
  return 0.5 * (trace + gap - 2 + Math.log(size / determinant(q.cov)));
}

const nodes = Array.from({ length: POINTS }, (_, i) => REACH * ((2 * i) / (POINTS - 1) - 1));
const weights = (() => {
  const raw = nodes.map((u) => Math.exp(-0.5 * u * u));
  const sum = raw.reduce((a, b) => a + b, 0);
  return raw.map((w) => w / sum);
})();

/** The expectation of a function under a Gaussian, on a grid of its standard deviations. */
export function expectation(q: Gaussian, f: (x: number, y: number) => number): number {
  // Cholesky: x = m + L u
  const lxx = Math.sqrt(q.cov[0]);
  const lyx = q.cov[1] / lxx;
  const lyy = Math.sqrt(Math.max(0, q.cov[2] - lyx * lyx));
  let sum = 0;
  for (let i = 0; i < POINTS; i++) {
    const x = q.mean[0] + lxx * nodes[i];
    const y = q.mean[1] + lyx * nodes[i];
    let row = 0;
    for (let j = 0; j < POINTS; j++) row += weights[j] * f(x, y + lyy * nodes[j]);
    sum += weights[i] * row;
  }
  return sum;
}

/** Entropy of a mixture, in nats; of one Gaussian in closed form. */
export function entropy(p: Mixture): number {
  if (p.length === 1) return gaussianEntropy(p[0].part);
  let sum = 0;
  const log = logDensity(p);
  for (const { weight, part } of p) sum -= weight * expectation(part, log);
  return sum;
}

/** KL(q||p), which punishes q for being where p is not, in nats. */
export function reverseKl(q: Diagonal, p: Mixture): number {
  const own = full(q);
  if (p.length === 1) return klGaussians(own, p[0].part);
  return -gaussianEntropy(own) - expectation(own, logDensity(p));
}

/** KL(p||q), which punishes q for not being where p is, in nats; `known` is p's entropy. */
export function forwardKl(p: Mixture, q: Diagonal, known = entropy(p)): number {
  const { mean, cov } = moments(p);
  const [sx, sy] = q.std;
  const dx = mean[0] - q.mean[0];
  const dy = mean[1] - q.mean[1];
  const squares = (cov[0] + dx * dx) / (sx * sx) + (cov[2] + dy * dy) / (sy * sy);
  return 0.5 * squares + Math.log(sx * sy) + LOG_TWO_PI - known;
}

/** The diagonal Gaussian with the least KL(p||q): it has p's means and variances. */
export function bestForward(p: Mixture): Diagonal {
  const { mean, cov } = moments(p);
  return { mean, std: [Math.sqrt(cov[0]), Math.sqrt(cov[2])] };
}

/**
 * The diagonal Gaussian with the least KL(q||p) that is downhill from `start`.
 *
 * For one Gaussian in closed form: the variance of each dimension given the other. For a mixture by
 * the simplex method of Nelder and Mead (1965); which mode it finds depends on the start.
 */
export function bestReverse(p: Mixture, start: Diagonal): Diagonal {
  if (p.length === 1) {
    const { mean, cov } = p[0].part;
    const size = determinant(cov);
    return { mean, std: [Math.sqrt(size / cov[2]), Math.sqrt(size / cov[0])] };
  }
  const unpack = ([x, y, u, v]: readonly number[]): Diagonal => ({
    mean: [x, y],
    std: [Math.exp(u), Math.exp(v)],
  });
  const at = [start.mean[0], start.mean[1], Math.log(start.std[0]), Math.log(start.std[1])];
  return unpack(simplex((v) => reverseKl(unpack(v), p), at));
}

/** Nelder and Mead's simplex method: a place of a local minimum near `start`. */
function simplex(
  f: (v: readonly number[]) => number,
  start: readonly number[],
  step = 0.4,
  rounds = 400,
): readonly number[] {
  const make = (v: readonly number[]) => ({ v, value: f(v) });
  const corners = [
    make(start),
    ...start.map((_, i) => make(start.map((x, j) => (i === j ? x + step : x)))),
  ];
  const n = start.length;
  for (let round = 0; round < rounds; round++) {
    corners.sort((a, b) => a.value - b.value);
    const worst = corners[n];
    if (worst.value - corners[0].value < 1e-8) break;
    const middle = start.map((_, j) => corners.slice(0, n).reduce((s, c) => s + c.v[j], 0) / n);
    const along = (t: number) => make(middle.map((m, j) => m + t * (worst.v[j] - m)));
    const mirrored = along(-1);
    if (mirrored.value < corners[0].value) {
      const farther = along(-2);
      corners[n] = farther.value < mirrored.value ? farther : mirrored;
    } else if (mirrored.value < corners[n - 1].value) corners[n] = mirrored;
    else {
      const inside = along(mirrored.value < worst.value ? -0.5 : 0.5);
      if (inside.value < Math.min(worst.value, mirrored.value)) corners[n] = inside;
      else
        for (let i = 1; i <= n; i++)
          corners[i] = make(corners[i].v.map((x, j) => (x + corners[0].v[j]) / 2));
    }
  }
  return corners[0].v;
}

// Targets

export type TargetKind = "one" | "correlated" | "two";

/**
 * A target at a place; `shape` in [0, 1] is its correlation, or how far apart its modes are.
 */
export function target(kind: TargetKind, mean: Vec, shape: number): Mixture {
  if (kind === "two") {
    const apart = 0.6 + 1.8 * shape;
    const cov = [0.55, 0.18, 0.4] as const;
    return [-1, 1].map((side) => ({
      weight: 0.5,
      part: { mean: [mean[0] + side * apart, mean[1] + 0.35 * side * apart], cov },
    }));
  }
  const cov = kind === "one" ? 0 : 0.97 * shape * 1.3 * 1.1;
  return [{ weight: 1, part: { mean, cov: [1.3 ** 2, cov, 1.1 ** 2] } }];
}
