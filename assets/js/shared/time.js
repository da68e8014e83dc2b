// Days of charts. The report speaks UTC everywhere.

/** All days from the first to the last date (`YYYY-MM-DD`), with those on which nothing happened. */
export function daysBetween(first, last) {
  const days = [];
  const end = Date.parse(`${last}T00:00:00Z`);
  for (let at = Date.parse(`${first}T00:00:00Z`); at <= end && days.length < 3660; at += 86_400_000) {
    days.push(new Date(at).toISOString().slice(0, 10));
  }
  return days;
}
