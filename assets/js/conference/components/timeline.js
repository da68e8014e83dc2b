// The timeline's lanes come with the page; this makes them zoom and pan with the graphs, and gives each mark a tooltip and a
// place in the keyboard's order: one stop per lane, arrows within it.

import { explore } from "./explore.js";
import { label, ticks } from "./ticks.js";

/**
 * @param {HTMLElement} figure @param {ReturnType<typeof import("./window.js").createWindow>} view
 */
export function enhanceTimeline(figure, view) {
  const start = Number(figure.dataset.start);
  const lanes = /** @type {any[]} */ ([...figure.querySelectorAll(".lane-marks")]);
  if (lanes.length === 0) return;
  figure.classList.add("is-live");
  tools(figure, view);
  const redraw = axis(figure, start, view);
  const cursor = overlay(figure, lanes, view, "timeline-cursor");
  const stretch = overlay(figure, lanes, view, "drag-span");
  const ring = focusRing(figure, view);
  let box = "";
  view.subscribe((state) => {
    const scale = 1000 / Math.max(view.length, 1);
    const next = `${state.from * scale} 0 ${(state.to - state.from) * scale} 24`;
    // The cursor moves far more often than the window.
    if (next !== box) {
      box = next;
      for (const lane of lanes) lane.setAttribute("viewBox", box);
      redraw(state);
    }
    cursor(state.cursor, state.cursor);
    ring.place();
  });
  for (const lane of lanes) explore(lane, view, () => lane.getBoundingClientRect(), (span) => stretch(span?.from ?? null, span?.to ?? null));
  const tip = tooltip(figure, view);
  for (const lane of lanes) keyboard(lane, lanes, view, tip, ring);
  redraw(view.state);
  // Also when a fold within it opens.
  new ResizeObserver(() => {
    redraw(view.state);
    cursor(view.state.cursor, view.state.cursor);
    ring.place();
  }).observe(figure);
}

/** Buttons above the lanes. */
function tools(figure, view) {
  const place = figure.querySelector(".timeline-tools");
  const button = (text, name, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "button";
    made.textContent = text;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", act);
    return made;
  };
  const reset = button("Whole call", "Show the whole call", () => view.reset());
  const hint = document.createElement("span");
  hint.className = "muted mouse-hint";
  hint.textContent = "Drag to zoom, Shift-drag to move along, double click for all; arrow keys walk along the marks, + and − zoom";
  place.append(
    button("+", "Zoom in", () => view.zoom(0.5)),
    button("−", "Zoom out", () => view.zoom(2)),
    button("←", "Earlier", () => view.pan(-0.5)),
    button("→", "Later", () => view.pan(0.5)),
    reset,
    hint,
  );
  place.hidden = false;
  const state = () => {
    reset.disabled = view.isWhole();
  };
  view.subscribe(state);
  state();
}

/** Labels of the axis, drawn anew for each window. */
function axis(figure, start, view) {
  const labels = figure.querySelector(".tick-labels");
  const lines = figure.querySelector(".timeline-ticks");
  const make = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
  let drawn = "";
  return (state) => {
    const size = state.to - state.from;
    const key = `${state.from} ${size} ${labels?.clientWidth}`;
    if (!labels || !lines || key === drawn) return;
    drawn = key;
    labels.replaceChildren();
    lines.replaceChildren();
    const most = Math.min(Math.max(Math.floor(labels.clientWidth / 90), 2), 8);
    for (const at of ticks(start, state.from, state.to, "utc", most)) {
      const share = (at - state.from) / size;
      const text = make("text");
      text.setAttribute("class", "tick");
      text.setAttribute("x", `${share * 100}%`);
      text.setAttribute("y", "12");
      text.textContent = label(start, at, "utc");
      labels.append(text);
      const line = make("path");
      line.setAttribute("class", "gridline");
      line.setAttribute("vector-effect", "non-scaling-stroke");
      line.setAttribute("d", `M${share * 1000} 0V16`);
      lines.append(line);
    }
  };
}

/** A box over the lanes, from one time to another: the cursor, or the stretch that is being dragged. */
function overlay(figure, lanes, view, className) {
  const box = document.createElement("div");
  box.className = className;
  box.hidden = true;
  figure.append(box);
  return (from, to) => {
    const seen = lanes.filter((lane) => lane.getClientRects().length > 0);
    box.hidden = from === null || to < view.state.from || from > view.state.to || seen.length === 0;
    if (box.hidden) return;
    const [first, last, outer] = [seen[0], seen[seen.length - 1], figure].map((element) => element.getBoundingClientRect());
    const x = (at) => ((Math.min(Math.max(at, view.state.from), view.state.to) - view.state.from) / (view.state.to - view.state.from)) * first.width;
    box.style.left = `${first.left - outer.left - figure.clientLeft + figure.scrollLeft + x(from)}px`;
    box.style.top = `${first.top - outer.top - figure.clientTop + figure.scrollTop}px`;
    box.style.width = `${Math.max(x(to) - x(from), 1)}px`;
    box.style.height = `${last.bottom - first.top}px`;
  };
}

const time = (/** @type {SVGElement} */ mark) => Number(mark.dataset.at ?? mark.dataset.from ?? 0);
const end = (/** @type {SVGElement} */ mark) => Number(mark.dataset.to ?? time(mark));

/** Where a mark is on the screen, as far as its lane shows it: a line of no length has no box of its own. */
function boxOf(mark, view) {
  const lane = mark.ownerSVGElement.getBoundingClientRect();
  const x = (at) => lane.left + Math.min(Math.max((at - view.state.from) / (view.state.to - view.state.from), 0), 1) * lane.width;
  const { y, height } = mark.getBBox();
  const [left, right] = [x(time(mark)), x(end(mark))];
  return { left, width: right - left, top: lane.top + (y / 24) * lane.height, height: (height / 24) * lane.height };
}

/** One box that shows the words of a mark; returns how to show and hide it. */
function tooltip(figure, view) {
  const box = document.createElement("div");
  box.className = "timeline-tip";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.body.append(box);
  const show = (mark, x) => {
    const words = mark.getAttribute("aria-label");
    if (!words) return;
    box.textContent = words;
    box.hidden = false;
    const place = boxOf(mark, view);
    const room = document.documentElement.clientWidth;
    const middle = x ?? place.left + place.width / 2;
    const left = Math.min(Math.max(middle - box.offsetWidth / 2, 8), Math.max(room - box.offsetWidth - 8, 8));
    const above = place.top - box.offsetHeight - 12;
    box.style.left = `${left + window.scrollX}px`;
    box.style.top = `${(above > 0 ? above : place.top + place.height + 12) + window.scrollY}px`;
  };
  const hide = () => {
    box.hidden = true;
  };
  for (const title of figure.querySelectorAll(".lane-marks title")) {
    const mark = title.parentElement;
    mark.setAttribute("aria-label", title.textContent);
    mark.setAttribute("role", target(mark) ? "link" : "img");
    title.remove();
    mark.addEventListener("pointerenter", (event) => show(mark, event.clientX));
    mark.addEventListener("pointerleave", hide);
  }
  // What appears by pointing goes away by Escape, wherever the focus is.
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());
  return { show, hide };
}

/** A ring around the mark that has the focus: the outlines of SVG children are drawn differently by browsers. */
function focusRing(figure, view) {
  const ring = document.createElement("div");
  ring.className = "timeline-ring";
  ring.hidden = true;
  figure.append(ring);
  let mark = null;
  const place = () => {
    ring.hidden = !mark || end(mark) < view.state.from || time(mark) > view.state.to;
    if (ring.hidden) return;
    const [box, outer] = [boxOf(mark, view), figure.getBoundingClientRect()];
    const least = (size) => Math.max(size + 6, 18);
    const [width, height] = [least(box.width), least(box.height)];
    ring.style.width = `${width}px`;
    ring.style.height = `${height}px`;
    ring.style.left = `${box.left + box.width / 2 - width / 2 - outer.left - figure.clientLeft + figure.scrollLeft}px`;
    ring.style.top = `${box.top + box.height / 2 - height / 2 - outer.top - figure.clientTop + figure.scrollTop}px`;
  };
  return {
    place,
    /** @param {SVGElement|null} next */
    around(next) {
      mark = next;
      place();
    },
  };
}

/** Arrow keys within and between lanes; Enter follows a mark to its event. */
function keyboard(lane, lanes, view, tip, ring) {
  const marks = [...lane.querySelectorAll("[aria-label]")].sort((a, b) => time(a) - time(b));
  if (marks.length === 0) return;
  const focus = (mark) => {
    if (end(mark) < view.state.from || time(mark) > view.state.to) {
      const size = view.state.to - view.state.from;
      view.set(time(mark) - size / 2, time(mark) + size / 2);
    }
    mark.focus();
  };
  marks.forEach((mark, at) => {
    mark.setAttribute("tabindex", at === 0 ? "0" : "-1");
    mark.addEventListener("focus", () => {
      for (const other of marks) other.setAttribute("tabindex", other === mark ? "0" : "-1");
      mark.classList.add("is-focused");
      view.point(time(mark));
      ring.around(mark);
      tip.show(mark);
    });
    mark.addEventListener("blur", () => {
      mark.classList.remove("is-focused");
      view.point(null);
      ring.around(null);
      tip.hide();
    });
    mark.addEventListener("click", () => follow(mark, view));
    mark.addEventListener("keydown", (event) => {
      const acts = {
        ArrowRight: () => focus(marks[Math.min(at + 1, marks.length - 1)]),
        ArrowLeft: () => focus(marks[Math.max(at - 1, 0)]),
        Home: () => focus(marks[0]),
        End: () => focus(marks[marks.length - 1]),
        ArrowDown: () => other(1),
        ArrowUp: () => other(-1),
        Enter: () => follow(mark, view),
        "+": () => view.zoom(0.5, time(mark)),
        "=": () => view.zoom(0.5, time(mark)),
        "-": () => view.zoom(2, time(mark)),
        Escape: () => tip.hide(),
      };
      if (!acts[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      acts[event.key]();
    });
    const other = (by) => {
      // The mark that is nearest in time in the next lane that can be seen.
      for (let place = lanes.indexOf(lane) + by; lanes[place]; place += by) {
        const there = [...lanes[place].querySelectorAll("[tabindex]")];
        if (there.length === 0 || lanes[place].getClientRects().length === 0) continue;
        focus(there.reduce((best, one) => (Math.abs(time(one) - time(mark)) < Math.abs(time(best) - time(mark)) ? one : best)));
        return;
      }
    };
  });
}

/** The row of a mark's event, where the page has it. */
function target(mark) {
  return mark.dataset.event ? document.getElementById(`event-${mark.dataset.event}`) : null;
}

/** Shows the row of a mark's event, whatever it is folded into. */
function follow(mark, view) {
  const row = target(mark);
  if (!row) return;
  view.pin(time(mark));
  reveal(row);
}

/** Opens all folds around an element and goes there. @param {HTMLElement} element */
export function reveal(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  // Filters that hide it are told to make room.
  if (element.hidden) element.dispatchEvent(new Event("reveal", { bubbles: true }));
  element.hidden = false;
  element.scrollIntoView({ block: "center" });
  element.classList.add("is-target");
  element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
  setTimeout(() => element.classList.remove("is-target"), 3000);
}
