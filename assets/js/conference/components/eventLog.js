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

/**
 * The options of a filter: each value once, in the order of the words. Values that read the same are told apart by their ids.
 * @param {{value: string, label: string}[]} found
 * @returns {{value: string, label: string}[]}
 */
export function options(found) {
  const labels = new Map();
  for (const { value, label } of found) if (value && !labels.has(value)) labels.set(value, label);
  const times = new Map();
  for (const label of labels.values()) times.set(label, (times.get(label) ?? 0) + 1);
  return [...labels]
    .map(([value, label]) => ({ value, label: times.get(label) > 1 ? `${label} (${value.slice(0, 8)})` : label }))
    .sort((a, b) => a.label.localeCompare(b.label));
}

/** @param {HTMLTableElement} table @param {{point: (at: number|null) => void, pin: (at: number|null) => void}|null} view */
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
    select.append(new Option("All", ""));
    for (const { value, label } of options(rows.map((row, at) => ({ value: row[key], label: names[key](at) })))) select.append(new Option(label, value));
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
  const clear = () => {
    for (const control of place.querySelectorAll("select, input")) /** @type {HTMLInputElement|HTMLSelectElement} */ (control).value = "";
    for (const key of Object.keys(choice)) delete choice[key];
    apply();
  };
  place.addEventListener("keydown", (event) => event.key === "Escape" && clear());
  table.addEventListener("reveal", clear);
  (table.closest(".table-scroll") ?? table).before(place);
  if (view) {
    table.addEventListener("pointerover", (event) => {
      const row = event.target instanceof Element ? event.target.closest("tr[data-at]") : null;
      if (row instanceof HTMLElement) view.point(Number(row.dataset.at));
    });
    table.addEventListener("pointerleave", () => view.point(null));
    for (const row of elements) {
      const written = row.cells[0]?.querySelector("time");
      if (!written || !row.dataset.at) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "time-button";
      button.addEventListener("click", () => view.pin(Number(row.dataset.at)));
      written.replaceWith(button);
      button.append(written);
    }
  }
  apply();
}

function labelled(title, control) {
  const label = document.createElement("label");
  label.append(title, control);
  return label;
}
