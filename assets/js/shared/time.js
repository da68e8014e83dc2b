// Clock times for axes and tooltips. The report speaks UTC and 24 hours everywhere.

/** `14:05`, or `14:05:09` where the seconds say something. */
export function clock(at, always = false) {
  const text = new Date(at).toISOString().slice(11, 19);
  return !always && text.endsWith(":00") ? text.slice(0, 5) : text;
}

/** All days from the first to the last date (`YYYY-MM-DD`), with those on which nothing happened. */
export function daysBetween(first, last) {
  const days = [];
  const end = Date.parse(`${last}T00:00:00Z`);
  for (let at = Date.parse(`${first}T00:00:00Z`); at <= end && days.length < 3660; at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}
