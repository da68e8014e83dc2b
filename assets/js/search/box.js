// The field in the top bar as a combobox: results drop down while the reader types; arrow keys choose, Enter opens, Escape closes.

import { failure, element, result, summary } from "./show.js";
import { root } from "./load.js";

/** Results that drop down. */
const most = 12;
/** Milliseconds without a key before the index is asked. */
const pause = 200;

/** @param {HTMLFormElement} form @param {ReturnType<typeof import("./find.js").createSearch>} search */
export function combobox(form, search) {
  const input = /** @type {HTMLInputElement} */ (form.querySelector("input"));
  const status = /** @type {HTMLElement} */ (form.querySelector("[role=status]"));
  const list = element("div", "search-list", []);
  const note = element("p", "search-note muted", []);
  const popup = element("div", "search-popup", [list, note]);
  let [asked, active, timer] = [0, -1, 0];
  /** @type {HTMLElement[]} */
  let options = [];

  list.id = "site-search-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Results");
  popup.hidden = true;
  form.append(popup);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-controls": list.id, "aria-expanded": "false" })) input.setAttribute(name, value);

  /** @param {boolean} open */
  function toggle(open) {
    popup.hidden = !open;
    input.setAttribute("aria-expanded", String(open && options.length > 0));
    if (!open) choose(-1);
  }

  /** @param {number} at */
  function choose(at) {
    options[active]?.setAttribute("aria-selected", "false");
    active = at;
    const option = options[at];
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  /** @param {HTMLElement[]} links @param {string} words */
  function show(links, words) {
    options = links;
    links.forEach((link, at) => {
      link.id = `site-search-${at}`;
      link.tabIndex = -1;
      link.setAttribute("role", "option");
      link.setAttribute("aria-selected", "false");
    });
    active = -1;
    list.replaceChildren(...links);
    list.hidden = links.length === 0;
    note.textContent = words;
    status.textContent = words;
    toggle(true);
    choose(-1);
  }

  async function ask() {
    const query = input.value;
    const turn = ++asked;
    if (query.trim() === "") {
      status.textContent = "";
      return toggle(false);
    }
    if (popup.hidden) show([], "Searching…");
    try {
      const found = await search.find(query);
      // A later query has overtaken this one.
      if (turn !== asked) return;
      const links = found.matches.slice(0, most).map(result);
      if (links.length > 0) links.push(toAll(query));
      show(links, summary(found, most));
    } catch {
      if (turn === asked) show([toAll("")], failure);
    }
  }

  /** A link to the search page, or with no query to its directory. @param {string} query */
  function toAll(query) {
    const link = document.createElement("a");
    link.href = `${root}search.html${query && `?${new URLSearchParams({ q: query })}`}`;
    link.className = "search-result search-all";
    link.textContent = query ? "All results on the search page" : "The directory";
    return link;
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, pause);
  });
  input.addEventListener("focus", () => {
    if (options.length > 0 && input.value.trim()) toggle(true);
  });
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && !popup.hidden && options.length > 0) {
      event.preventDefault();
      // One place more than options: there the field itself is chosen.
      const places = options.length + 1;
      choose(((active + 1 + step + places) % places) - 1);
    } else if (step && popup.hidden) {
      event.preventDefault();
      ask();
    } else if (event.key === "Enter" && options[active] && !popup.hidden) {
      event.preventDefault();
      options[active].click();
    } else if (event.key === "Escape" && !popup.hidden) {
      event.preventDefault();
      asked += 1;
      toggle(false);
    }
  });
  form.addEventListener("focusout", ({ relatedTarget }) => {
    if (!(relatedTarget instanceof Node && form.contains(relatedTarget))) toggle(false);
  });
  list.addEventListener("pointermove", ({ target }) => {
    const at = options.findIndex((option) => target instanceof Node && option.contains(target));
    if (at >= 0 && at !== active) choose(at);
  });
  // What was typed while this was on its way.
  if (document.activeElement === input && input.value.trim() && !document.getElementById("search-results")?.dataset.query) ask();
}
