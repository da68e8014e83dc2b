// What a mouse does on the timeline and on a graph alike: moving moves the shared cursor, dragging a stretch shows it, dragging with
// shift moves along, a double click shows all, and the wheel zooms with ctrl. A finger scrolls the page and points.

/** So many pixels are still a click. */
const SLACK = 4;

/**
 * @param {HTMLElement} element which may be one of SVG
 * @param {ReturnType<typeof import("./window.js").createWindow>} view
 * @param {() => {left: number, width: number}} area where the window's time lies on the screen
 * @param {(span: {from: number, to: number}|null) => void} show draws the stretch that is being dragged
 */
export function explore(element, view, area, show) {
  /** @type {{x: number, at: number, from: number, to: number, along: boolean, far: boolean}|null} */
  let held = null;
  const at = (/** @type {MouseEvent} */ event) => {
    const { left, width } = area();
    const share = Math.min(Math.max((event.clientX - left) / Math.max(width, 1), 0), 1);
    return view.state.from + share * (view.state.to - view.state.from);
  };
  const drop = () => {
    held = null;
    show(null);
  };
  element.addEventListener("pointermove", (event) => {
    if (held && !held.far && Math.abs(event.clientX - held.x) > SLACK) {
      held.far = true;
      // Not before: a captured pointer would take the click from the mark under it.
      element.setPointerCapture(event.pointerId);
    }
    if (held?.far && held.along) {
      const by = ((held.x - event.clientX) / Math.max(area().width, 1)) * (held.to - held.from);
      view.set(held.from + by, held.to + by);
      return;
    }
    const now = at(event);
    view.point(now);
    if (held?.far) show({ from: Math.min(held.at, now), to: Math.max(held.at, now) });
  });
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    held = { x: event.clientX, at: at(event), from: view.state.from, to: view.state.to, along: event.shiftKey, far: false };
  });
  element.addEventListener("pointerup", (event) => {
    const done = held;
    drop();
    if (!done?.far || done.along) return;
    const to = at(event);
    view.set(Math.min(done.at, to), Math.max(done.at, to));
  });
  element.addEventListener("pointercancel", drop);
  element.addEventListener("keydown", (event) => event.key === "Escape" && drop());
  element.addEventListener("pointerleave", () => {
    if (!held?.far) drop();
    view.point(null);
  });
  element.addEventListener("dblclick", () => view.reset());
  element.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      view.zoom(event.deltaY < 0 ? 0.8 : 1.25, at(event));
    },
    { passive: false },
  );
}
