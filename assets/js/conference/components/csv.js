// A graph as CSV (RFC 4180). A cell that a spreadsheet would take for a formula is made plain by an apostrophe.

/** @param {string|number|null} value */
export function cell(value) {
  if (value === null) return "";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * One row per time, one column per line.
 * @param {{title: string, unit: string, scale: number}} measure
 * @param {{label: string, t: number[], values: (number|null)[]}[]} lines
 * @param {number} start of the call, since the epoch
 */
export function csv(measure, lines, start) {
  const times = [...new Set(lines.flatMap((line) => line.t))].sort((a, b) => a - b);
  const columns = lines.map((line) => new Map(line.t.map((at, i) => [at, line.values[i]])));
  const unit = measure.unit ? ` (${measure.unit})` : "";
  const head = ["time", "seconds into the call", ...lines.map((line) => `${line.label}: ${measure.title}${unit}`)];
  const rows = times.map((at) => [
    new Date(start + at).toISOString(),
    at / 1000,
    ...columns.map((column) => {
      const value = column.get(at) ?? null;
      return value === null ? null : Number((value * measure.scale).toPrecision(10));
    }),
  ]);
  return `${[head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
