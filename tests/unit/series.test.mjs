import { describe, expect, it } from "vitest";
import { alone, changed, everything, graphs, isQuiet, look, offers, possible, reading, valueAt } from "../../assets/js/conference/components/series.js";

const measure = (key, of, besides = {}) => ({ key, title: key, unit: "ms", scale: 1, digits: 0, of, min: 0, max: null, bands: [], ...besides });
const stream = (id, kind, direction, loss) => ({ id, kind, direction, codec: null, values: { loss } });
const data = {
  call: { number: 1, of: 1, start: 0, end: 30_000 },
  measures: [measure("rtt", "connection"), measure("loss", "stream", { unit: "%" })],
  // Two people of one name: only their ids tell them apart.
  people: [{ id: "a", name: "Ana", sfu: false }, { id: "b", name: "Ana", sfu: false }, { id: "s", name: "", sfu: true }],
  connections: [
    { id: "1", participant: "a", peer: "b", t: [0, 10], values: { rtt: [5, 6] }, streams: [stream("x", "audio", "inbound", [null, 0]), stream("y", "video", "outbound", [0, 0.1])] },
    { id: "2", participant: "b", peer: "a", t: [0, 10], values: { rtt: [null, null] }, streams: [stream("x", "audio", "inbound", [0, 0])] },
  ],
  thinned: null,
};
const lines = (choice) => Object.fromEntries(graphs(data, choice).map((graph) => [graph.measure.key, graph.lines.map((line) => line.id)]));

describe("the choice of series", () => {
  it("shows every line there is, and no graph without a value", () => {
    expect(lines(everything())).toEqual({ rtt: ["1", "2"], loss: ["1 inbound audio x", "1 outbound video y", "2 inbound audio x"] });
    expect(lines({ ...everything(), participant: "b" })).toEqual({ loss: ["2 inbound audio x"] });
  });

  it("narrows by kind, direction and track", () => {
    expect(lines({ ...everything(), data: "connection" })).toEqual({ rtt: ["1", "2"] });
    expect(lines({ ...everything(), data: "video" })).toEqual({ loss: ["1 outbound video y"] });
    expect(lines({ ...everything(), data: "audio", direction: "outbound" })).toEqual({});
    expect(lines({ ...everything(), participant: "a", peer: "b", data: "audio", track: "x" })).toEqual({ loss: ["1 inbound audio x"] });
  });

  it("undoes what comes after a changed filter", () => {
    const choice = { participant: "a", peer: "b", data: "audio", direction: "inbound", track: "x" };
    expect(changed(choice, "participant", "b")).toEqual({ ...everything(), participant: "b" });
    expect(changed(choice, "direction", "")).toEqual({ ...choice, direction: "", track: "" });
  });

  it("offers what there is, and greys out what there is not", () => {
    const all = offers(data, everything());
    expect([all.peer.enabled, all.direction.enabled, all.track.enabled]).toEqual([false, false, false]);
    expect(all.participant.options.map((option) => option.value)).toEqual(["a", "b"]);
    const ofB = offers(data, { ...everything(), participant: "b" });
    expect(ofB.data.options.map((option) => option.disabled)).toEqual([false, true, false]);
    const tracks = offers(data, { ...everything(), participant: "a", peer: "b", data: "video" }).track;
    expect([tracks.enabled, tracks.options.map((option) => option.value)]).toEqual([true, ["y"]]);
  });

  it("keeps a series' number in every graph", () => {
    const numbers = graphs(data, everything()).flatMap((graph) => graph.lines.map((line) => [line.id, line.index]));
    const narrowed = graphs(data, { ...everything(), data: "video" })[0].lines[0];
    expect(numbers).toContainEqual([narrowed.id, narrowed.index]);
  });
});

describe("names", () => {
  it("are told apart by ids where they are the same", () => {
    const said = graphs(data, everything()).flatMap((graph) => graph.lines.map((line) => line.label));
    expect(said[0]).toBe("Ana (a) → Ana (b)");
    expect(said).toContain("Ana (a) → Ana (b) · audio in");
    const twins = { ...data, connections: [{ ...data.connections[0], streams: [stream("x", "video", "outbound", [0, 1]), stream("y", "video", "outbound", [0, 1])] }] };
    const labels = graphs(twins, everything())[1].lines.map((line) => line.label);
    expect(labels).toEqual(["Ana (a) → Ana (b) · video out · x", "Ana (a) → Ana (b) · video out · y"]);
  });

  it("are ids where there are none", () => {
    const unnamed = { ...data, people: [{ id: "a", name: " ", sfu: false }] };
    expect(graphs(unnamed, everything())[0].lines[0].label).toBe("a → b");
  });
});

it("a choice from an address is kept as far as the call has it", () => {
  const told = { participant: "a", peer: "b", data: "audio", direction: "inbound", track: "x" };
  expect(possible(data, told)).toEqual(told);
  expect(possible(data, { ...told, track: "<b>" })).toEqual({ ...told, track: "" });
  expect(possible(data, { ...told, participant: "nobody" })).toEqual({ ...everything(), data: "audio", direction: "inbound" });
  expect(possible(data, { ...everything(), participant: "b", data: "video" })).toEqual({ ...everything(), participant: "b" });
});

it("lines of one colour differ in their dashes", () => {
  const looks = Array.from({ length: 40 }, (_, index) => JSON.stringify(look(index)));
  expect(new Set(looks).size).toBe(40);
  expect(look(0)).toEqual({ slot: 1, dash: [] });
  expect(look(5).dash).not.toEqual([]);
});

describe("a graph", () => {
  it("knows the points that no line reaches", () => {
    expect(alone([1, null, 2, 3, null, 4])).toEqual([true, false, false, false, false, true]);
    expect(alone([0])).toEqual([true]);
  });

  it("reads nothing where a line was not measured", () => {
    const line = { id: "", label: "", index: 0, t: [10_000, 20_000, 30_000], values: [1, null, 3] };
    expect(reading(line, 31_000)).toEqual({ at: 30_000, value: 3 });
    expect(reading(line, 21_000)).toEqual({ at: 20_000, value: null });
    expect(reading(line, 60_000)).toBe(null);
    expect(reading({ ...line, t: [], values: [] }, 0)).toBe(null);
  });

  it("is quiet where everything is 0 and that is good", () => {
    const [, loss] = graphs(data, everything());
    expect(isQuiet(loss)).toBe(false);
    expect(isQuiet({ ...loss, lines: [loss.lines[2]] })).toBe(true);
    expect(isQuiet({ measure: measure("rtt", "connection"), lines: [loss.lines[2]] })).toBe(false);
  });

  it("tells the value nearest to the cursor, and that there is none", () => {
    const line = { id: "", label: "", index: 0, t: [0, 10_000, 20_000], values: [1, null, 3] };
    expect(valueAt(line, 4000)).toEqual({ at: 0, value: 1 });
    expect(valueAt(line, 9000)).toEqual({ at: 10_000, value: null });
    expect(valueAt(line, 90_000)).toEqual({ at: 20_000, value: 3 });
    expect(valueAt({ ...line, t: [], values: [] }, 5)).toBe(null);
  });
});
