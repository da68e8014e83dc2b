import { describe, expect, it } from "vitest";
import { cell, csvOf, distinct, fileName, graphTable, jsonOf, meaning } from "../../assets/js/shared/csv.js";

describe("a graph as a table", () => {
  const lines = [
    { label: "A, B", t: [0, 10_000], values: [0.05, null] },
    { label: "C", t: [10_000], values: [0.5] },
  ];
  const { head, rows } = graphTable({ title: "Packet loss", unit: "%", scale: 100 }, lines, Date.UTC(2026, 10, 23, 16, 34, 27));

  it("has a row per time and a column per line, empty where nothing was measured", () => {
    expect(csvOf(head, rows).split("\r\n")).toEqual([
      'time,seconds into the call,"A, B: Packet loss (%)",C: Packet loss (%)',
      "2026-11-23T16:34:27.000Z,0,5,",
      "2026-11-23T16:34:37.000Z,10,,50",
      "",
    ]);
  });

  it("is a list of objects as JSON, null where nothing was measured", () => {
    expect(JSON.parse(jsonOf(head, rows))[1]).toEqual({
      time: "2026-11-23T16:34:37.000Z",
      "seconds into the call": 10,
      "A, B: Packet loss (%)": null,
      "C: Packet loss (%)": 50,
    });
  });
});

describe("a cell of CSV", () => {
  it("is never taken for a formula, and a number stays one", () => {
    expect(["=1+1", "+1", "-1", "@x", "\tx", "\rx"].map(cell)).toEqual(["'=1+1", "'+1", "'-1", "'@x", "'\tx", '"\'\rx"']);
    expect([cell('say "hi"'), cell("two\nlines"), cell(-3), cell(Number.NaN), cell(false)]).toEqual(['"say ""hi"""', '"two\nlines"', "-3", "", "false"]);
  });
});

describe("a cell of a page", () => {
  const of = (text, more = {}) => meaning({ text, missing: false, numeric: true, ...more });

  it("says its number, its instant, or that there is none", () => {
    expect([of("1\u202f234"), of("\u22125"), of("2.50"), of("12 ms"), of(" two \n words ")]).toEqual([1234, -5, 2.5, "12 ms", "two words"]);
    expect([of("2m 3s", { value: "123.5" }), of("none yet", { value: "" }), of("no data", { missing: true, value: "-1" }), of("")]).toEqual([123.5, null, null, null]);
    expect(of("2026-11-23 16:34:27", { datetime: "2026-11-23T16:34:27.5Z" })).toBe("2026-11-23T16:34:27.5Z");
  });

  it("keeps names that have only digits", () => {
    expect([of("007"), of("1705401969430123456"), of("1e5")]).toEqual(["007", "1705401969430123456", "1e5"]);
    expect(of("261", { numeric: false })).toBe("261");
  });
});

it("columns of one name are told apart, files have plain names", () => {
  expect(distinct(["n", "", "n", "n 2"])).toEqual(["n", "column 2", "n 2", "n 2 2"]);
  expect([fileName("Réunion / <b>: 5 %"), fileName("会議")]).toEqual(["re-union-b-5", "table"]);
});
