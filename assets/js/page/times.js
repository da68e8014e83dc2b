// The report is written in UTC. The tooltip of a time says what the reader's clock showed; where a page asks for it with
// `data-local`, the words stand beside it.

export function localTimes(elements) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const element of elements) {
    const at = Date.parse(element.getAttribute("datetime"));
    // A date alone is a day in UTC, and no instant.
    const isInstant = element.getAttribute("datetime").includes(":");
    if (!isInstant || !Number.isFinite(at)) continue;
    if (!element.title) element.title = `Local time: ${format.format(at)}`;
    if (element.dataset.local === undefined) continue;
    const words = document.createElement("span");
    words.className = "local-time muted";
    words.textContent = ` (${format.format(at)} here)`;
    element.after(words);
  }
}
