// Labels of a time axis, by the clock in UTC, by the viewer's clock, or by the time into the call.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400].map((seconds) => seconds * 1000);

/**
 * A distance of labels that falls on whole seconds, minutes or hours, with at most so many of them.
 * @param {number} span milliseconds @param {number} most
 */
export function step(span, most) {
  return STEPS.find((distance) => span / distance <= most) ?? Math.ceil(span / most / 86_400_000) * 86_400_000;
}

/**
 * Times of labels in a window, as milliseconds into the call.
 * @param {number} start of the call, since the epoch @param {number} from @param {number} to
 * @param {"utc"|"local"|"call"} clock @param {number} [most]
 */
export function ticks(start, from, to, clock, most = 7) {
  const distance = step(to - from, most);
  // Labels lie at whole steps of the clock that is shown.
  const zone = clock === "local" ? -new Date(start).getTimezoneOffset() * 60_000 : 0;
  const base = clock === "call" ? 0 : start + zone;
  const first = Math.ceil((base + from) / distance) * distance - base;
  const all = [];
  for (let at = first; at <= to && all.length < 50; at += distance) all.push(at);
  return all;
}

/**
 * A time as a label: `14:05:09`, or `1:02:03` into the call.
 * @param {number} start @param {number} at @param {"utc"|"local"|"call"} clock @param {boolean} [fraction]
 */
export function label(start, at, clock, fraction = false) {
  if (clock === "call") return offset(at);
  const date = new Date(start + at);
  if (clock === "local") return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
  return date.toISOString().slice(11, fraction ? 23 : 19);
}

/**
 * How many digits after the point the labels of a value axis need, so that no two are the same.
 * @param {number} distance between two labels @param {number} most
 */
export function digits(distance, most = 6) {
  for (let count = 0; count < most; count += 1) {
    const scaled = distance * 10 ** count;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return count;
  }
  return most;
}

/** Time into the call: `0:09`, `12:05`, `1:02:03`. @param {number} ms */
export function offset(ms) {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const two = (/** @type {number} */ part) => String(part).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const text = hours > 0 ? `${hours}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}` : `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
  return ms < 0 ? `\u2212${text}` : text;
}
