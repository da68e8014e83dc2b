// The stretch of the call that timeline and graphs show, and the cursor in it: one of each for the whole page. All times are
// milliseconds from the start of the call.

/** Nothing shorter can be looked at. */
const SHORTEST = 1000;

/**
 * A window kept within the call and no shorter than a second.
 * @param {number} from @param {number} to @param {number} length the call's length
 * @returns {{from: number, to: number}}
 */
export function clamped(from, to, length) {
  const whole = Math.max(length, SHORTEST);
  const size = Math.min(Math.max(to - from, SHORTEST), whole);
  const start = Math.min(Math.max(from, 0), whole - size);
  return { from: start, to: start + size };
}

/**
 * A window made larger or smaller around a time that stays where it is.
 * @param {{from: number, to: number}} window @param {number} factor below 1 zooms in @param {number} at @param {number} length
 */
export function zoomed(window, factor, at, length) {
  const share = (at - window.from) / (window.to - window.from);
  const size = Math.max((window.to - window.from) * factor, SHORTEST);
  return clamped(at - size * share, at - size * share + size, length);
}

/**
 * The page's window and cursor.
 * @param {number} length
 */
export function createWindow(length) {
  const state = { ...clamped(0, length, length), cursor: /** @type {number|null} */ (null) };
  /** Where the cursor stays when nothing is pointed at. */
  let pinned = /** @type {number|null} */ (null);
  const listeners = new Set();
  const tell = () => {
    for (const listener of listeners) listener(state);
  };
  return {
    state,
    length,
    /** @param {number} from @param {number} to */
    set(from, to) {
      Object.assign(state, clamped(from, to, length));
      tell();
    },
    reset() {
      Object.assign(state, clamped(0, length, length));
      tell();
    },
    /** @param {number} factor @param {number} [at] */
    zoom(factor, at = state.cursor ?? (state.from + state.to) / 2) {
      Object.assign(state, zoomed(state, factor, at, length));
      tell();
    },
    /** @param {number} share of the window's size */
    pan(share) {
      const by = (state.to - state.from) * share;
      Object.assign(state, clamped(state.from + by, state.to + by, length));
      tell();
    },
    /** Moves the cursor; `null` takes it back to where it was pinned. @param {number|null} at */
    point(at) {
      const next = at ?? pinned;
      if (next === state.cursor) return;
      state.cursor = next;
      tell();
    },
    /** Leaves the cursor at a time, and moves the window there if it shows another stretch. @param {number|null} at */
    pin(at) {
      pinned = at;
      state.cursor = at;
      if (at !== null && (at < state.from || at > state.to)) {
        const half = (state.to - state.from) / 2;
        Object.assign(state, clamped(at - half, at + half, length));
      }
      tell();
    },
    /** Whether all of the call is shown. */
    isWhole: () => state.to - state.from >= Math.max(length, SHORTEST),
    /** @param {(state: {from: number, to: number, cursor: number|null}) => void} listener */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
