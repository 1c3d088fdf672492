import { describe, expect, it, vi } from "vitest";
import { aroundPosterior, aroundPrior, labelPlace, Plane } from "../../../src/pages/anatomy/plane";

describe("labelPlace", () => {
  const whole = { x0: -4, y0: -4, x1: 4, y1: 4 };

  it("is the top of a circle that is shown whole", () => {
    const place = labelPlace(2, whole);
    expect(place?.[0]).toBeCloseTo(0);
    expect(place?.[1]).toBeCloseTo(2);
  });

  it("is on the circle, off the edge, the buttons and the overview", () => {
    for (const [x, y] of [
      [1, 1],
      [-2, 0.5],
      [0.3, -1.8],
    ])
      for (const half of [0.8, 1.5, 2.5])
        for (const radius of [1, 2, 3]) {
          const shown = { x0: x - half, y0: y - half, x1: x + half, y1: y + half };
          const place = labelPlace(radius, shown);
          if (!place) continue;
          expect(Math.hypot(...place)).toBeCloseTo(radius);
          const right = (place[0] - shown.x0) / (2 * half);
          const down = (shown.y1 - place[1]) / (2 * half);
          expect(Math.min(right, down, 1 - right, 1 - down)).toBeGreaterThan(0.05);
          expect(right > 0.42 || down > 0.16).toBe(true);
          expect(right <= 0.72 || down <= 0.62).toBe(true);
        }
  });

  it("is nowhere when the circle is out of sight", () => {
    expect(labelPlace(3, { x0: -0.1, y0: -0.1, x1: 0.1, y1: 0.1 })).toBeNull();
  });
});

describe("what the map looks at", () => {
  it("is the posterior with three standard deviations around its mean", () => {
    const shown = aroundPosterior({ mean: [1, -1], std: [0.1, 0.2] });
    expect(shown).not.toBeNull();
    expect(shown?.x0).toBeLessThan(1 - 0.6);
    expect(shown?.y1).toBeGreaterThan(-1 + 0.6);
    expect(aroundPosterior({ mean: [0, 0], std: null })).toBeNull();
  });

  it("is the prior's three circles, and the posterior's mean where that is outside", () => {
    expect(aroundPrior({ mean: [0, 0], std: [1, 1] }).x1).toBeGreaterThan(3);
    expect(aroundPrior({ mean: [0, -6], std: [1, 1] }).y0).toBeLessThan(-6);
  });
});

describe("the prior's circles", () => {
  it("are drawn only where there is a prior, before any posterior has come", () => {
    const made: { style: Record<string, string>; class: string }[] = [];
    vi.stubGlobal("document", {
      createElementNS: () => {
        const element = {
          style: {},
          class: "",
          append: () => {},
          setAttribute: (name: string, value: string) => {
            if (name === "class") element.class = value;
          },
        };
        made.push(element);
        return element;
      },
    });
    const shown = { x0: -4, y0: -4, x1: 4, y1: 4 };
    const draw = (plane: Plane) => {
      plane.place((x, y) => [x, y], shown, [100, 100]);
      const circles = made.filter(({ class: name }) => name === "lx-plane-circle").slice(0, 3);
      return circles.map(({ style }) => style["display"]);
    };
    const plane = new Plane();
    expect(draw(plane)).toEqual(["none", "none", "none"]);
    plane.setPrior(true);
    expect(draw(plane)).toEqual(["", "", ""]);
  });
});
