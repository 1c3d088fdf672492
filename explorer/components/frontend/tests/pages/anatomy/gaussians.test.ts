// Divergences against torch.distributions, dense sums on a grid and scipy's minimiser (see each test).
import { describe, expect, it } from "vitest";
import * as g from "../../../src/pages/anatomy/gaussians";

const q: g.Diagonal = { mean: [0.3, -0.5], std: [0.7, 1.2] };
const p: g.Gaussian = { mean: [1.0, 0.2], cov: [1.5, 0.8, 0.9] };
const cov = [0.55, 0.18, 0.4] as const;
const two = (x: number, y: number): g.Mixture => [
  { weight: 0.5, part: { mean: [-x, -y], cov } },
  { weight: 0.5, part: { mean: [x, y], cov } },
];
const one = (part: g.Gaussian): g.Mixture => [{ weight: 1, part }];
const near = (found: number, expected: number, digits = 9) =>
  expect(found).toBeCloseTo(expected, digits);

describe("two Gaussians", () => {
  it("have torch's divergences (torch.distributions.kl_divergence, float64)", () => {
    near(g.klGaussians(g.full(q), p), 1.1108547115446294);
    near(g.klGaussians(p, g.full(q)), 1.5101429011154586);
    near(g.reverseKl(q, one(p)), 1.1108547115446294);
    near(g.forwardKl(one(p), q), 1.5101429011154586);
  });

  it("have none where they are equal", () => {
    near(g.klGaussians(p, p), 0);
    near(g.reverseKl(q, one(g.full(q))), 0);
  });

  it("are best matched by the conditional variances, or by the marginal ones", () => {
    const reverse = g.bestReverse(one(p), q);
    near(reverse.std[0], Math.sqrt(1.5 - 0.8 ** 2 / 0.9));
    near(reverse.std[1], Math.sqrt(0.9 - 0.8 ** 2 / 1.5));
    const forward = g.bestForward(one(p));
    expect([forward.std[0] ** 2, forward.std[1] ** 2]).toEqual([
      expect.closeTo(1.5, 9),
      expect.closeTo(0.9, 9),
    ]);
    expect(reverse.mean).toEqual(p.mean);
    expect(forward.mean).toEqual(p.mean);
  });
});

describe("a mixture", () => {
  const mixture = two(1.5, 0.5);

  it("has the divergences and entropy of a dense sum (numpy, 2001 by 2001 points)", () => {
    near(g.entropy(mixture), 2.6369201114175804, 6);
    near(g.reverseKl(q, mixture), 2.515591703627332, 6);
    near(g.forwardKl(mixture, q), 2.288083159684095, 6);
  });

  it("of equal parts is one Gaussian", () => {
    const same: g.Mixture = [
      { weight: 0.3, part: p },
      { weight: 0.7, part: p },
    ];
    near(g.reverseKl(q, same), 1.1108547115446294, 7);
    near(g.forwardKl(same, q), 1.5101429011154586, 7);
    near(g.entropy(same), g.gaussianEntropy(p), 7);
  });

  it("is covered as a whole by the best forward, which has its moments", () => {
    const best = g.bestForward(mixture);
    expect(best.mean[0]).toBeCloseTo(0, 12);
    near(best.std[0], Math.sqrt(0.55 + 1.5 ** 2));
    near(best.std[1], Math.sqrt(0.4 + 0.5 ** 2));
    const least = g.forwardKl(mixture, best);
    for (const [i, j] of [
      [0, 0.05],
      [1, -0.05],
    ] as const) {
      const mean: [number, number] = [best.mean[0], best.mean[1]];
      mean[i] += j;
      expect(g.forwardKl(mixture, { mean, std: best.std })).toBeGreaterThan(least);
      const std: [number, number] = [best.std[0], best.std[1]];
      std[i] += j;
      expect(g.forwardKl(mixture, { mean: best.mean, std })).toBeGreaterThan(least);
    }
  });

  it("with modes far apart loses one to the best reversed (scipy.optimize.minimize, BFGS)", () => {
    const far = two(2.3, 0.8);
    for (const side of [1, -1]) {
      const best = g.bestReverse(far, { mean: [1.5 * side, 0.3 * side], std: [1, 1] });
      expect(best.mean[0]).toBeCloseTo(side * 2.29685783, 3);
      expect(best.mean[1]).toBeCloseTo(side * 0.79890706, 3);
      expect(best.std[0]).toBeCloseTo(0.68917461, 3);
      expect(best.std[1]).toBeCloseTo(0.58403288, 3);
      expect(g.reverseKl(best, far)).toBeCloseTo(0.771734096369, 6);
    }
  });

  it("with modes near each other is covered by both (scipy again)", () => {
    const best = g.bestReverse(mixture, { mean: [0.4, 0.3], std: [1, 1] });
    expect(best.mean[0]).toBeCloseTo(0, 3);
    expect(best.std[0]).toBeCloseTo(1.33806752, 3);
    expect(best.std[1]).toBeCloseTo(0.58404496, 3);
    expect(g.reverseKl(best, mixture)).toBeCloseTo(0.566587706768, 6);
  });
});

describe("quadrature", () => {
  it("gives moments exactly", () => {
    near(
      g.expectation(p, () => 1),
      1,
    );
    near(
      g.expectation(p, (x) => x),
      1.0,
    );
    near(
      g.expectation(p, (x, y) => (x - 1) * (y - 0.2)),
      0.8,
    );
    near(
      g.expectation(p, (_, y) => (y - 0.2) ** 2),
      0.9,
    );
  });

  it("does not break far out", () => {
    expect(g.logDensity(two(1, 1))(80, -80)).toBeLessThan(-5000);
    expect(Number.isFinite(g.reverseKl({ mean: [60, -60], std: [0.05, 9] }, two(1, 1)))).toBe(true);
  });
});

describe("targets", () => {
  it("are valid for every shape", () => {
    for (const kind of ["one", "correlated", "two"] as const)
      for (const shape of [0, 0.5, 1])
        for (const { part } of g.target(kind, [0.5, -0.5], shape)) {
          expect(part.cov[0] * part.cov[2] - part.cov[1] ** 2).toBeGreaterThan(0.01);
        }
  });

  it("stand where they are put", () => {
    for (const kind of ["one", "correlated", "two"] as const) {
      const { mean } = g.moments(g.target(kind, [0.5, -0.5], 0.7));
      expect(mean[0]).toBeCloseTo(0.5, 12);
      expect(mean[1]).toBeCloseTo(-0.5, 12);
    }
  });
});
