// A text box that leaves the rows which hold every word of it: `<table data-filterable="label">`. `?q=` in the address fills it in.

export function filterTable(table) {
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  if (rows.length === 0) return;
  const texts = rows.map((row) => row.textContent.toLowerCase());

  const tools = element("div", "table-tools");
  const label = element("label", "visually-hidden");
  const input = element("input", "control");
  const count = element("span", "muted");
  const name = table.dataset.filterable || "Filter";
  input.type = "search";
  input.id = `filter-${document.querySelectorAll(".table-tools").length + 1}`;
  input.placeholder = name;
  input.autocomplete = "off";
  input.spellcheck = false;
  label.htmlFor = input.id;
  label.textContent = name;
  count.setAttribute("role", "status");
  tools.append(label, input, count);
  (table.closest(".table-scroll") ?? table).before(tools);

  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, i) => {
      row.hidden = !words.every((word) => texts[i].includes(word));
      if (!row.hidden) shown += 1;
    });
    count.textContent = words.length > 0 ? `${shown} of ${rows.length} rows` : `${rows.length} ${rows.length === 1 ? "row" : "rows"}`;
  };
  input.addEventListener("input", apply);
  input.value = new URLSearchParams(window.location.search).get("q") ?? "";
  apply();
}

function element(tag, className) {
  const made = document.createElement(tag);
  made.className = className;
  return made;
}
