// The report is written in UTC; the tooltip of a time says what the reader's clock showed.

export function localTimes(elements) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const element of elements) {
    const at = Date.parse(element.getAttribute("datetime"));
    // A date alone is a day in UTC, and no instant.
    const isInstant = element.getAttribute("datetime").includes(":");
    if (isInstant && Number.isFinite(at) && !element.title) element.title = `Local time: ${format.format(at)}`;
  }
}
