// Tables and graphs as CSV (RFC 4180) and as JSON. A text that a spreadsheet would take for a formula is made plain by an apostrophe;
// numbers are never touched. Knows no DOM.

/** @param {string|number|boolean|null} value */
export function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  if (typeof value === "boolean") return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** @param {string[]} head @param {(string|number|boolean|null)[][]} rows */
export function csvOf(head, rows) {
  return `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

/** One object per row, by the names of the columns, which are all different. @param {string[]} head @param {(string|number|boolean|null)[][]} rows */
export function jsonOf(head, rows) {
  return `${JSON.stringify(rows.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i] ?? null]))), null, 1)}\n`;
}

/** Names of columns that no two share and none lacks. @param {string[]} names */
export function distinct(names) {
  const seen = new Set();
  return names.map((name, i) => {
    const base = name || `column ${i + 1}`;
    let own = base;
    for (let n = 2; seen.has(own); n += 1) own = `${base} ${n}`;
    seen.add(own);
    return own;
  });
}

/**
 * A graph as a table: one row per time, one column per line.
 * @param {{title: string, unit: string, scale: number}} measure
 * @param {{label: string, t: number[], values: (number|null)[]}[]} lines
 * @param {number} start of the call, since the epoch
 */
export function graphTable(measure, lines, start) {
  const times = [...new Set(lines.flatMap((line) => line.t))].sort((a, b) => a - b);
  const columns = lines.map((line) => new Map(line.t.map((at, i) => [at, line.values[i]])));
  const unit = measure.unit ? ` (${measure.unit})` : "";
  const head = distinct(["time", "seconds into the call", ...lines.map((line) => `${line.label}: ${measure.title}${unit}`)]);
  const rows = times.map((at) => [
    new Date(start + at).toISOString(),
    at / 1000,
    ...columns.map((column) => {
      const value = column.get(at) ?? null;
      return value === null ? null : Number((value * measure.scale).toPrecision(10));
    }),
  ]);
  return { head, rows };
}

/**
 * What a cell of a page says, for programs: a number where it is one, an instant as written for machines, null where there is no data.
 * @param {{text: string, value?: string, datetime?: string|null, missing: boolean, numeric: boolean}} seen `value` is the cell's `data-value`, `datetime`
 * that of the one time which the cell consists of, `missing` says that all its text says that there is no data,
 * `numeric` that the column is one of numbers: elsewhere digits are a name
 */
export function meaning({ text, value, datetime, missing, numeric }) {
  if (missing) return null;
  if (value !== undefined) return number(value) ?? (value === "" ? null : value);
  if (datetime) return datetime;
  const words = text.replace(/[^\S\u202f]+/g, " ").trim();
  if (words === "") return null;
  return (numeric ? number(words) : null) ?? words;
}

/** A whole text that is a number as pages write them, with thin spaces between groups of digits and a true minus. @param {string} text */
function number(text) {
  const plain = text.replaceAll("\u2212", "-").replace(/(?<=\d)\u202f(?=\d{3})/g, "");
  // What begins with a zero or is longer than a number can hold is a name that has only digits.
  if (!/^-?(0|[1-9]\d*)(\.\d+)?$/.test(plain) || plain.length > 16) return null;
  return Number(plain);
}

/** A name for a file. @param {string} words */
export function fileName(words) {
  const plain = words.normalize("NFKD").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-+|-+$/g, "");
  return plain.slice(0, 60).replace(/-+$/, "").toLowerCase() || "table";
}
