// The conference page's own script, without any framework: timeline, event log, links into both, and the offer to load the explorer.

import { enhanceLog } from "./components/eventLog.js";
import { offerExplorer } from "./components/loader.js";
import { enhanceTimeline, reveal } from "./components/timeline.js";
import { createWindow } from "./components/window.js";

function start() {
  const timeline = document.getElementById("timeline");
  const length = timeline ? Number(timeline.dataset.end) - Number(timeline.dataset.start) : 0;
  const view = createWindow(length);
  // The explorer is loaded later and shares it.
  window.peerpressCall = { view };
  if (timeline) enhanceTimeline(timeline, view);
  const log = document.getElementById("event-log");
  if (log instanceof HTMLTableElement) enhanceLog(log, timeline ? view : null);
  const place = document.getElementById("conference-app");
  if (place && document.getElementById("call-data")) offerExplorer(place);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
    if (!(link instanceof HTMLAnchorElement)) return;
    if (link.dataset.from) {
      // A finding shows its stretch with a quarter around it.
      const [from, to] = [Number(link.dataset.from), Number(link.dataset.to)];
      const room = Math.max((to - from) / 4, 5000);
      view.set(from - room, to + room);
      view.pin(from);
    }
    const target = document.getElementById(link.hash.slice(1));
    if (target?.closest("details")) {
      event.preventDefault();
      history.replaceState(null, "", link.hash);
      reveal(target);
    }
  });
  openTarget();
  window.addEventListener("hashchange", openTarget);
}

/** A link from elsewhere to something folded away opens it. */
function openTarget() {
  const target = document.getElementById(window.location.hash.slice(1));
  if (target?.closest("details")) reveal(target);
}

start();
