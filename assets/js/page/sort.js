// Sorting of tables by their headers: `<th data-sort="num|text">`; a cell may carry `data-value`. Cells without a value stay last.

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function sortTable(table) {
  const headers = [...table.querySelectorAll("thead th[data-sort]")];
  for (const header of headers) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      for (const body of table.tBodies) sortRows(body, header, descending);
    });
  }
}

function sortRows(body, header, descending) {
  const numeric = header.dataset.sort === "num";
  const keyed = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[header.cellIndex], numeric) }));
  const compare = numeric ? (a, b) => a - b : collator.compare;
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return Number(a.key === null) - Number(b.key === null);
    return descending ? compare(b.key, a.key) : compare(a.key, b.key);
  });
  body.append(...keyed.map(({ row }) => row));
}

/** What a cell is sorted by; null where it has nothing. */
function keyOf(cell, numeric) {
  const text = (cell?.dataset.value ?? cell?.textContent ?? "").trim();
  if (!numeric) return text === "" ? null : text;
  const number = Number.parseFloat(text.replace(/[,\s\u202f]/g, ""));
  return Number.isFinite(number) ? number : null;
}
