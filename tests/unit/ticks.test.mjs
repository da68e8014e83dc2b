import { describe, expect, it } from "vitest";
import { digits, label, offset, step, ticks } from "../../assets/js/conference/components/ticks.js";

const start = Date.UTC(2026, 10, 23, 16, 34, 27);

describe("the time axis", () => {
  it("has labels at whole steps of the clock", () => {
    expect(step(63_000, 7)).toBe(10_000);
    expect(ticks(start, 0, 63_000, "utc").map((at) => label(start, at, "utc"))).toEqual(["16:34:30", "16:34:40", "16:34:50", "16:35:00", "16:35:10", "16:35:20", "16:35:30"]);
  });

  it("labels values with the digits that tell them apart", () => {
    expect([50, 1, 0.5, 0.25, 0.05].map((distance) => digits(distance))).toEqual([0, 0, 1, 2, 2]);
    expect(digits(1 / 3)).toBe(6);
  });

  it("counts from the start of the call where that is asked for", () => {
    expect(ticks(start, 0, 63_000, "call").map((at) => label(start, at, "call"))).toEqual(["0:00", "0:10", "0:20", "0:30", "0:40", "0:50", "1:00"]);
    expect([offset(3_723_000), offset(-1000)]).toEqual(["1:02:03", "\u22120:01"]);
  });
});
