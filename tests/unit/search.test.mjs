import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { createSearch } from "../../assets/js/search/find.js";
import { fileName, hash, place, unfold } from "../../assets/js/search/keys.js";
import { errors } from "../../assets/js/search/likeness.js";
import { placedWords, words } from "../../assets/js/search/words.js";

describe("words", () => {
  const cases = JSON.parse(readFileSync(new URL("words.json", import.meta.url), "utf8"));
  it.each(cases)("of %j are those of the table that the index is tested with", (text, expected) => {
    expect(words(text)).toEqual(expected);
  });

  it("know where they stand in the text", () => {
    const text = "Dr. Weiß-e\u0301ric 🦊陈晓";
    expect(placedWords(text).map(({ from, to }) => text.slice(from[0], to.at(-1)))).toEqual(["Dr", "Weiß", "e\u0301ric", "陈", "晓"]);
  });

  it("are cut where they are long, or many", () => {
    expect(words("x".repeat(2000))).toEqual(["x".repeat(40)]);
    expect(words("a ".repeat(2000))).toHaveLength(24);
  });
});

describe("files", () => {
  it("have the names that the index gives them", () => {
    // FNV-1a of "" and "foobar" as its authors publish them.
    expect([hash(""), hash("foobar")]).toEqual([0x811c9dc5, 0xbf9cf968]);
    const { shelves } = JSON.parse(readFileSync(new URL("shelves.json", import.meta.url), "utf8"));
    for (const [start, name] of shelves) expect(fileName("b", start)).toBe(name);
  });

  it("lie where their beginnings say", () => {
    const starts = unfold([0, "a", 1, "n", 2, "a b", 1, "p", 0, "q", 0, "\ufb01", 0, "𝒳"]);
    expect(starts).toEqual(["a", "an", "ana b", "ap", "q", "\ufb01", "𝒳"]);
    const shelf = (start) => ({ name: fileName("b", start), whole: true });
    expect(place(starts, "ax")).toEqual(shelf("ap"));
    expect(place(starts, "ao")).toEqual(shelf("ana b"));
    expect(place(starts, "q")).toEqual(shelf("q"));
    expect(place(starts, "qx")).toEqual(shelf("q"));
    // Beyond the halves of characters that strings are ordered by.
    expect(place(starts, "\ufb02")).toEqual(shelf("\ufb01"));
    expect(place(starts, "𝒴")).toEqual(shelf("𝒳"));
    // Several shelves: the best of them; but where all goes on in the same way, what it goes on with.
    expect(place(starts, "a")).toEqual({ name: fileName("t", "a"), whole: false });
    expect(place(starts, "an")).toEqual({ name: fileName("t", "an"), whole: false });
    expect(place(["a", "stand up 1", "stand up 2"], "st")).toEqual({ name: fileName("t", "stand up "), whole: false });
    // What would stand before everything is nowhere.
    expect(place(starts, "0")).toBe(null);
    expect(place([""], "anything")).toEqual(shelf(""));
  });
});

describe("errors", () => {
  const of = (typed, meant, most = 2, open = false) => errors([...typed], [...meant], most, open);
  it("are letters put in, left out, changed or swapped", () => {
    expect([of("popescu", "popescu"), of("popscu", "popescu"), of("poppescu", "popescu"), of("popwscu", "popescu"), of("opoescu", "popescu")]).toEqual([0, 1, 1, 1, 2]);
    expect([of("oppescu", "popescu"), of("xopescu", "popescu"), of("popesuc", "popescu"), of("oppesuc", "popescu"), of("pxpxsxu", "popescu")]).toEqual([1, 1, 1, 2, Infinity]);
  });
  it("in a word that is not typed to its end are counted to where it is", () => {
    expect([of("pxpe", "popescu", 1, true), of("pxpe", "popescu", 1, false)]).toEqual([1.5, Infinity]);
  });
});

describe("the search", () => {
  const row = (kind, id, name, given, when) => [kind, id, name, given, when, 0];
  const rows = [
    row(1, "a", "Popular", "", "2020-01-01 00:00"),
    row(2, "c1", "Stand-up", "room-7", "2026-11-20 10:00"),
    row(2, "c2", "Stand-up", "room-77", "2026-11-21 10:00"),
    row(2, "c3", "Understanding", "u/1?x=\"2\"", "2026-11-22 10:00"),
    row(3, "p1", "Ana Popescu", "user-1", "2026-11-01 00:00"),
    row(4, "s1", "<b>sfu</b>", "constructor", "2026-11-01 00:00"),
  ];
  const files = { index: { starts: [0, ""], buckets: 1 }, [fileName("b", "")]: { of: 6, places: ["Sales"], items: rows }, w0: [[1, "stand popescu"], [0, "understanding popular"]] };
  const asked = [];
  const { find } = createSearch(async (name) => {
    asked.push(name);
    return files[name];
  });
  const ids = async (query) => (await find(query)).matches.map(({ item }) => item.id);

  it("puts the whole name first, then the whole word, its beginning, its middle, the newest first", async () => {
    expect(await ids("stand")).toEqual(["c2", "c1", "c3"]);
    expect(await ids("room-7")).toEqual(["c1", "c2"]);
    expect(await ids("pop")).toEqual(["a", "p1"]);
    expect(await ids("u/1?x=\"2\"")).toEqual(["c3"]);
  });
  it("wants all words, in any order, of the name, the id, the app or the day", async () => {
    expect(await ids("popescu ana")).toEqual(["p1"]);
    expect(await ids("stand sales 2026-11-21")).toEqual(["c2"]);
    expect(await ids("ana stand")).toEqual([]);
    expect(await ids("sales")).toEqual([]);
  });
  it("knows what was meant", async () => {
    for (const query of ["oppescu", "pspescu", "popesuc", "ana ppescu", "xpopescu", "pxpes"]) expect(await ids(query), query).toEqual(["p1"]);
    expect(await ids("derstand")).toEqual(["c3"]);
    expect(await ids("user-2")).toEqual([]);
  });
  it("takes names of what objects have for words", async () => {
    expect(await ids("constructor")).toEqual(["s1"]);
    expect(await ids("__proto__ toString")).toEqual([]);
    expect(await ids("  <>&  ")).toEqual([]);
  });
  it("marks what matches", async () => {
    const [{ item, marks }] = (await find("stand room-77")).matches;
    const text = (field) => marks[field].map(([from, to]) => item[field].slice(from, to));
    expect([text("name"), text("given")]).toEqual([["Stand"], ["room", "77"]]);
  });
  it("says so where a file does not come, and asks again", async () => {
    let broken = true;
    const search = createSearch(async (name) => (broken ? Promise.reject(new Error("gone")) : files[name]));
    await expect(search.find("stand")).rejects.toThrow("gone");
    broken = false;
    expect((await search.find("stand")).matches).toHaveLength(3);
  });
});
