import { describe, expect, it } from "vitest";
import { cell, csv } from "../../assets/js/conference/components/csv.js";

describe("a graph as CSV", () => {
  it("has a row per time and a column per line, empty where nothing was measured", () => {
    const lines = [
      { label: "A, B", t: [0, 10_000], values: [0.05, null] },
      { label: "C", t: [10_000], values: [0.5] },
    ];
    const text = csv({ title: "Packet loss", unit: "%", scale: 100 }, lines, Date.UTC(2026, 10, 23, 16, 34, 27));
    expect(text.split("\r\n")).toEqual([
      'time,seconds into the call,"A, B: Packet loss (%)",C: Packet loss (%)',
      "2026-11-23T16:34:27.000Z,0,5,",
      "2026-11-23T16:34:37.000Z,10,,50",
      "",
    ]);
  });

  it("lets no cell be taken for a formula", () => {
    expect(["=1+1", "+1", "-1", "@x", "\tx", "\rx"].map(cell)).toEqual(["'=1+1", "'+1", "'-1", "'@x", "'\tx", '"\'\rx"']);
    expect([cell('say "hi"'), cell("two\nlines"), cell(-3), cell(Number.NaN)]).toEqual(['"say ""hi"""', '"two\nlines"', "-3", ""]);
  });
});
