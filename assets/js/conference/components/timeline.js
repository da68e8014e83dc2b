// The timeline's lanes come with the page; this makes them zoom and pan with the graphs, and gives each mark a tooltip and a
// place in the keyboard's order: one stop per lane, arrows within it.

import { label, ticks } from "./ticks.js";

/**
 * @param {HTMLElement} figure @param {ReturnType<typeof import("./window.js").createWindow>} view
 */
export function enhanceTimeline(figure, view) {
  const start = Number(figure.dataset.start);
  const lanes = [...figure.querySelectorAll(".lane-marks")];
  if (lanes.length === 0) return;
  figure.classList.add("is-live");
  tools(figure, view);
  const redraw = axis(figure, start, view);
  const cursor = cursorLines(lanes);
  view.subscribe((state) => {
    const scale = 1000 / Math.max(view.length, 1);
    const width = (state.to - state.from) * scale;
    for (const lane of lanes) lane.setAttribute("viewBox", `${state.from * scale} 0 ${width} 24`);
    redraw(state);
    cursor(state, scale);
  });
  pointer(lanes, view);
  const tip = tooltip(figure);
  for (const lane of lanes) keyboard(lane, lanes, view, tip);
  redraw(view.state);
  window.addEventListener("resize", () => redraw(view.state));
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
  hint.className = "muted";
  hint.textContent = "Drag to zoom, double click for all; arrow keys walk along the marks, + and − zoom";
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

/** A line at the shared cursor in every lane. */
function cursorLines(lanes) {
  const lines = lanes.map((lane) => {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    line.setAttribute("class", "cursor-line");
    lane.append(line);
    return line;
  });
  return (state, scale) => {
    const path = state.cursor === null ? "" : `M${state.cursor * scale} 0V24`;
    for (const line of lines) line.setAttribute("d", path);
  };
}

/** Dragging a stretch shows it, double click shows all, the wheel with ctrl zooms; moving moves the cursor. */
function pointer(lanes, view) {
  const at = (lane, event) => {
    const box = lane.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
    return view.state.from + share * (view.state.to - view.state.from);
  };
  for (const lane of lanes) {
    let from = null;
    lane.addEventListener("pointermove", (event) => view.point(at(lane, event)));
    lane.addEventListener("pointerleave", () => view.point(null));
    lane.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && event.pointerType === "mouse") {
        from = at(lane, event);
        lane.setPointerCapture(event.pointerId);
      }
    });
    lane.addEventListener("pointerup", (event) => {
      const to = at(lane, event);
      // A few pixels are a click.
      if (from !== null && Math.abs(to - from) > (view.state.to - view.state.from) / 100) view.set(Math.min(from, to), Math.max(from, to));
      from = null;
    });
    lane.addEventListener("dblclick", () => view.reset());
    lane.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey) return;
        event.preventDefault();
        view.zoom(event.deltaY < 0 ? 0.8 : 1.25, at(lane, event));
      },
      { passive: false },
    );
  }
}

/** One box that shows the words of a mark; returns how to show and hide it. */
function tooltip(figure) {
  const box = document.createElement("div");
  box.className = "timeline-tip";
  box.setAttribute("role", "tooltip");
  box.hidden = true;
  document.body.append(box);
  const show = (mark) => {
    const words = mark.getAttribute("aria-label");
    if (!words) return;
    box.textContent = words;
    box.hidden = false;
    const place = mark.getBoundingClientRect();
    const room = document.documentElement.clientWidth;
    const left = Math.min(Math.max(place.left + place.width / 2 - box.offsetWidth / 2, 8), Math.max(room - box.offsetWidth - 8, 8));
    const above = place.top - box.offsetHeight - 8;
    box.style.left = `${left + window.scrollX}px`;
    box.style.top = `${(above > 0 ? above : place.bottom + 8) + window.scrollY}px`;
  };
  const hide = () => {
    box.hidden = true;
  };
  for (const title of figure.querySelectorAll(".lane-marks title")) {
    const mark = title.parentElement;
    mark.setAttribute("aria-label", title.textContent);
    mark.setAttribute("role", "img");
    title.remove();
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", hide);
  }
  return { show, hide };
}

/** Arrow keys within and between lanes; Enter follows a mark to its event. */
function keyboard(lane, lanes, view, tip) {
  const time = (mark) => Number(mark.dataset.at ?? mark.dataset.from ?? 0);
  const marks = [...lane.querySelectorAll("[aria-label]")].sort((a, b) => time(a) - time(b));
  if (marks.length === 0) return;
  const focus = (mark) => {
    const end = Number(mark.dataset.to ?? time(mark));
    if (end < view.state.from || time(mark) > view.state.to) {
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
      tip.show(mark);
    });
    mark.addEventListener("blur", () => {
      mark.classList.remove("is-focused");
      tip.hide();
    });
    mark.addEventListener("click", () => follow(mark));
    mark.addEventListener("keydown", (event) => {
      const acts = {
        ArrowRight: () => focus(marks[Math.min(at + 1, marks.length - 1)]),
        ArrowLeft: () => focus(marks[Math.max(at - 1, 0)]),
        Home: () => focus(marks[0]),
        End: () => focus(marks[marks.length - 1]),
        ArrowDown: () => other(1),
        ArrowUp: () => other(-1),
        Enter: () => follow(mark),
        "+": () => view.zoom(0.5, time(mark)),
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

/** Shows the row of a mark's event, whatever it is folded into. */
function follow(mark) {
  const row = mark.dataset.event && document.getElementById(`event-${mark.dataset.event}`);
  if (row) reveal(row);
}

/** Opens all folds around an element and goes there. @param {HTMLElement} element */
export function reveal(element) {
  for (let fold = element.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  element.hidden = false;
  element.scrollIntoView({ block: "center" });
  element.classList.add("is-target");
  element.setAttribute("tabindex", "-1");
  element.focus({ preventScroll: true });
  setTimeout(() => element.classList.remove("is-target"), 3000);
}
