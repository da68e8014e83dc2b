// The event log comes whole with the page; this adds filters above it, and lets a row's time move the shared cursor.

/**
 * Which rows a choice leaves.
 * @param {{participant: string, connection: string, kind: string, text: string}[]} rows
 * @param {{participant?: string, connection?: string, kind?: string, text?: string}} choice
 * @returns {boolean[]}
 */
export function chosen(rows, choice) {
  const words = (choice.text ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const is = (/** @type {string|undefined} */ wanted, /** @type {string} */ value) => !wanted || wanted === value;
  return rows.map(
    (row) =>
      is(choice.participant, row.participant) &&
      is(choice.connection, row.connection) &&
      is(choice.kind, row.kind) &&
      words.every((word) => row.text.includes(word)),
  );
}

/** @param {HTMLTableElement} table @param {{point: (at: number|null) => void}|null} view */
export function enhanceLog(table, view) {
  const elements = [...table.tBodies].flatMap((body) => [...body.rows]);
  if (elements.length === 0) return;
  const rows = elements.map((row) => ({
    participant: row.dataset.participant ?? "",
    connection: row.dataset.connection ?? "",
    kind: row.dataset.kind ?? "",
    text: (row.textContent ?? "").toLowerCase(),
  }));
  const place = document.createElement("div");
  place.className = "filters log-filters";
  const choice = {};
  const count = document.createElement("span");
  count.className = "muted";
  count.setAttribute("role", "status");
  const apply = () => {
    const keep = chosen(rows, choice);
    elements.forEach((row, at) => {
      row.hidden = !keep[at];
    });
    const shown = keep.filter(Boolean).length;
    count.textContent = shown === rows.length ? `${rows.length} events` : `${shown} of ${rows.length} events`;
  };
  const cell = (at, column) => elements[at].cells[column]?.textContent?.trim() || "unknown";
  const names = {
    participant: (at) => cell(at, 3),
    connection: (at) => `${cell(at, 3)} → ${cell(at, 4)}`,
    kind: (at) => rows[at].kind,
  };
  for (const [key, title] of [["participant", "Participant"], ["connection", "Connection"], ["kind", "Event"]]) {
    const select = document.createElement("select");
    select.className = "control";
    const options = new Map();
    rows.forEach((row, at) => {
      if (row[key] && !options.has(row[key])) options.set(row[key], names[key](at));
    });
    select.append(new Option("All", ""));
    for (const [value, text] of [...options].sort((a, b) => a[1].localeCompare(b[1]))) select.append(new Option(text, value));
    select.addEventListener("change", () => {
      choice[key] = select.value;
      apply();
    });
    place.append(labelled(title, select));
  }
  const input = document.createElement("input");
  input.type = "search";
  input.className = "control";
  input.addEventListener("input", () => {
    choice.text = input.value;
    apply();
  });
  place.append(labelled("Text", input), count);
  (table.closest(".table-scroll") ?? table).before(place);
  if (view) {
    table.addEventListener("pointerover", (event) => {
      const row = event.target instanceof Element ? event.target.closest("tr[data-at]") : null;
      if (row instanceof HTMLElement) view.point(Number(row.dataset.at));
    });
    table.addEventListener("pointerleave", () => view.point(null));
  }
  apply();
}

function labelled(title, control) {
  const label = document.createElement("label");
  label.append(title, control);
  return label;
}
