import { expect, it } from "vitest";
import { chosen, options } from "../../assets/js/conference/components/eventLog.js";

const rows = [
  { participant: "a", connection: "1", kind: "ontrack", text: "12:00 ontrack ana" },
  { participant: "a", connection: "", kind: "getUserMedia", text: "12:01 getusermedia ana" },
  { participant: "b", connection: "1", kind: "ontrack", text: "12:02 ontrack ben" },
];

it("the log keeps the rows that every filter and every word leaves", () => {
  expect(chosen(rows, {})).toEqual([true, true, true]);
  expect(chosen(rows, { participant: "a" })).toEqual([true, true, false]);
  expect(chosen(rows, { connection: "1", kind: "ontrack", text: "BEN ontrack" })).toEqual([false, false, true]);
  expect(chosen(rows, { text: "nobody" })).toEqual([false, false, false]);
});

it("the options of a filter are there once, and those that read the same are told apart", () => {
  const found = [{ value: "00000002-x", label: "Ben" }, { value: "", label: "unknown" }, { value: "00000001-x", label: "Ana" }, { value: "00000003-x", label: "Ana" }, { value: "00000002-x", label: "Ben" }];
  expect(options(found)).toEqual([
    { value: "00000001-x", label: "Ana (00000001)" },
    { value: "00000003-x", label: "Ana (00000003)" },
    { value: "00000002-x", label: "Ben" },
  ]);
});
