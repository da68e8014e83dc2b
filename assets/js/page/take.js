// "CSV" and "JSON" below every table, which save the rows that it shows, in the order that it shows them in.

import { csvOf, distinct, fileName, jsonOf, meaning } from "../shared/csv.js";
import { csvBlob, jsonBlob, save } from "../shared/save.js";

/** @param {HTMLTableElement} table */
export function takeTable(table) {
  if (table.tHead === null || table.tBodies.length === 0) return;
  const tools = document.createElement("div");
  tools.className = "table-take";
  const name = heading(table);
  tools.append(
    button("CSV", name, () => {
      const { head, rows } = contents(table);
      save(csvBlob(csvOf(head, rows)), `${fileNameOf(name)}.csv`);
    }),
    button("JSON", name, () => {
      const { head, rows } = contents(table);
      save(jsonBlob(jsonOf(head, rows)), `${fileNameOf(name)}.json`);
    }),
  );
  (table.closest(".table-scroll") ?? table).after(tools);
}

function button(form, name, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "button button-quiet";
  made.textContent = form;
  made.setAttribute("aria-label", `${name} as ${form}`);
  made.addEventListener("click", act);
  return made;
}

/** Columns that hold no text, such as those with bars, are left out. */
export function contents(table) {
  const headers = [...(table.tHead?.rows[table.tHead.rows.length - 1]?.cells ?? [])];
  const shown = [...table.tBodies].flatMap((body) => [...body.rows]).filter((row) => !row.hidden);
  const rows = shown.map((row) => [...row.cells].flatMap((cell) => [seen(cell), ...Array(cell.colSpan - 1).fill(null)]));
  const kept = headers.map((header, i) => !header.classList.contains("bar-cell") || rows.some((row) => (row[i] ?? null) !== null));
  const names = headers.map((header) => {
    const words = header.textContent.replace(/\s+/g, " ").trim();
    return header.dataset.unit ? `${words} (${header.dataset.unit})` : words;
  });
  return {
    head: distinct(names.filter((_, i) => kept[i])),
    rows: rows.map((row) => headers.map((_, i) => row[i] ?? null).filter((_, i) => kept[i])),
  };
}

function seen(cell) {
  const text = textOf(cell);
  const only = (selector) => [...cell.querySelectorAll(selector)].find((part) => textOf(part) === text);
  return meaning({
    text,
    value: cell.dataset.value,
    datetime: only("time[datetime]")?.getAttribute("datetime"),
    numeric: cell.classList.contains("num"),
    missing: text !== "" && only(".no-data") !== undefined,
  });
}

/** The words as the page came: what scripts added is left out, and lines and items are kept apart. */
function textOf(element) {
  const copy = element.cloneNode(true);
  for (const added of copy.querySelectorAll(".local-time, svg title")) added.remove();
  for (const part of copy.querySelectorAll("br, li, p, summary, div")) part.before(" ");
  return copy.textContent.replace(/[^\S\u202f]+/g, " ").trim();
}

/** What the table is of: its label, else its caption, else the heading before it. */
function heading(table) {
  const label = table.closest(".table-scroll")?.getAttribute("aria-label") ?? table.caption?.textContent;
  if (label) return label.trim();
  const headings = [...document.querySelectorAll("main h1, main h2, main h3")];
  const before = headings.filter((one) => one.compareDocumentPosition(table) & Node.DOCUMENT_POSITION_FOLLOWING).at(-1);
  return before?.textContent.replace(/\s+/g, " ").trim() || "Table";
}

function fileNameOf(name) {
  const page = document.querySelector("main h1")?.textContent ?? document.title;
  return page.trim() === name ? fileName(name) : `${fileName(page)}-${fileName(name)}`;
}
