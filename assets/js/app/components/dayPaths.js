// Paths of charts by day, in a box of 1000 x 120, as the static page draws them (src/site/day_charts.rs).

const round = (/** @type {number} */ value) => Math.round(value * 100) / 100;

/** The next of 1, 2, 5 times a power of ten. @param {number} value */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const [step] = [1, 2, 5, 10].filter((factor) => factor * power >= value * (1 - 1e-12));
  return step * power;
}

/** Columns on each other, `{top, paths}`. @param {number[][]} series */
export function columns(series) {
  const days = Math.max(0, ...series.map((values) => values.length));
  const sums = Array.from({ length: days }, (_, day) => series.reduce((sum, values) => sum + values[day], 0));
  const top = ceiling(Math.max(0, ...sums));
  const step = 1000 / Math.max(days, 1);
  const width = round(Math.min(step * 0.8, 24));
  const base = Array.from({ length: days }, () => 0);
  const paths = series.map((values) =>
    values
      .map((value, day) => {
        if (!(value > 0)) return "";
        const bottom = round(120 - (base[day] / top) * 120);
        const height = round((value / top) * 120);
        base[day] += value;
        return `M${round((day + 0.5) * step - width / 2)} ${bottom}h${width}v-${height}h-${width}z`;
      })
      .join(""),
  );
  return { top, paths };
}

/** A line with a gap where there is no value, up to `top`. @param {(number | null)[]} values @param {number} top */
export function line(values, top) {
  const step = 1000 / Math.max(values.length, 1);
  let down = false;
  return values
    .map((value, day) => {
      if (value === null) {
        down = false;
        return "";
      }
      const at = `${round((day + 0.5) * step)} ${round(120 - Math.min(Math.max(value / top, 0), 1) * 120)}`;
      const drawn = down ? `L${at}` : `M${at}L${at}`;
      down = true;
      return drawn;
    })
    .join("");
}
