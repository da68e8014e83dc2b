// Brings an open page to what the server has now, where that comes to the same as to load it. Everything that is not known to be
// plain text and structure is left to a load: what a script of the page handles, and what nobody has thought of yet.

/** Elements that no script of a page handles, but for those below. */
const plain = new Set(
  ("A ABBR ADDRESS ARTICLE ASIDE B BLOCKQUOTE BR CITE CODE DD DEL DETAILS DFN DIV DL DT EM FIGCAPTION FIGURE FOOTER H4 H5 H6 HEADER HR I INS KBD LI MAIN MARK " +
    "NAV OL P PRE Q S SAMP SECTION SMALL SPAN STRONG SUB SUMMARY SUP TD TH TR U UL VAR WBR").split(" "),
);
/** Those that are not put in or taken out, but what they hold may be. */
const holders = new Set("BODY CAPTION H1 H2 H3 HEAD HTML TABLE TBODY TFOOT THEAD TITLE".split(" "));
const attributes = /^(?:class|colspan|content|dir|href|id|lang|rel|role|rowspan|scope|title|(?:aria|data)-.*)$/;

// What scripts of pages look for among these. `tests/unit/live.test.mjs` knows every look-up of theirs.
/** What is handled as a whole when the page is loaded. */
export const handled = ".table-scroll, pre.json, [data-sort], [data-static]";
/** What is handled with all that is in it. */
export const handledWithin = "[id$='-app'], #timeline, .timeline-tools, #event-log, #search-results, [data-filterable], [role=status]";

/**
 * The page as it was served. To be called before any script has changed the page.
 * @returns {{become: (next: Document) => boolean}} `become` makes the open page what `next` is and gives true, or changes nothing
 */
export function asServed() {
  const served = /** @type {Document} */ (document.cloneNode(true));
  /** The open page's nodes, by what they were served as. @type {WeakMap<Node, Node>} */
  const open = new WeakMap();
  pair(served, document);
  neutral(served);

  /** @param {Node} was @param {Node} node */
  function pair(was, node) {
    open.set(was, node);
    for (let [one, other] = [was.firstChild, node.firstChild]; one && other; one = one.nextSibling, other = other.nextSibling) pair(one, other);
  }

  /** What it takes that `was` becomes `now`, in the open page and in what is held of it; null where it takes a load. @param {Node} was @param {Node} now @returns {(() => void)[] | null} */
  function changes(was, now) {
    const node = open.get(was);
    if (!node || was.nodeName !== now.nodeName) return null;
    if (was instanceof CharacterData && node instanceof CharacterData) {
      const text = now.nodeValue ?? "";
      if (node.data !== was.data) return null;
      return [() => (was.data = node.data = text)];
    }
    if (!(was instanceof Element && now instanceof Element && node instanceof Element)) return null;
    const renamed = changedAttributes(was, now, node);
    const refilled = changedContent(was, now, node);
    return renamed && refilled && [...renamed, ...refilled];
  }

  /** @param {Element} was @param {Element} now @param {Element} node */
  function changedAttributes(was, now, node) {
    const names = [...new Set([...was.getAttributeNames(), ...now.getAttributeNames()])].filter((name) => was.getAttribute(name) !== now.getAttribute(name));
    if (names.length === 0) return [];
    if (!isPlain(was) || !isPlain(now) || names.some((name) => node.getAttribute(name) !== was.getAttribute(name))) return null;
    return names.map((name) => () => {
      const value = now.getAttribute(name);
      for (const one of [was, node]) value === null ? one.removeAttribute(name) : one.setAttribute(name, value);
    });
  }

  /** @param {Element} was @param {Element} now @param {Element} node */
  function changedContent(was, now, node) {
    const [before, after] = [[...was.childNodes], [...now.childNodes]];
    const room = Math.min(before.length, after.length);
    let [first, last] = [0, 0];
    while (first < room && before[first].isEqualNode(after[first])) first++;
    while (last < room - first && before[before.length - 1 - last].isEqualNode(after[after.length - 1 - last])) last++;
    const old = before.slice(first, before.length - last);
    const fresh = after.slice(first, after.length - last);
    if (old.length === 0 && fresh.length === 0) return [];
    if (!isHolder(was)) return null;
    if (old.length === fresh.length && old.every((one, at) => one.nodeName === fresh[at].nodeName)) {
      const all = [];
      for (const [at, one] of old.entries()) {
        if (one.isEqualNode(fresh[at])) continue;
        const some = open.get(one)?.parentNode === node && changes(one, fresh[at]);
        if (!some) return null;
        all.push(...some);
      }
      return all;
    }
    return replaced(old, fresh, [before[first - 1], before[before.length - last]], was, node);
  }

  /** @param {ChildNode[]} old @param {ChildNode[]} fresh @param {[ChildNode | undefined, ChildNode | undefined]} around @param {Element} was @param {Element} node */
  function replaced(old, fresh, [left, right], was, node) {
    if (![...old, ...fresh].every(isPlainThroughout)) return null;
    // A script has put nothing between them and moved none of them: then it would not be known where the new ones belong.
    const before = left && /** @type {ChildNode} */ (open.get(left));
    if (before && before.parentNode !== node) return null;
    let place = before ? before.nextSibling : node.firstChild;
    for (const one of old) {
      if (!place || place !== open.get(one) || !place.isEqualNode(one)) return null;
      place = place.nextSibling;
    }
    if (place !== (right ? open.get(right) : null)) return null;
    return [
      () => {
        for (const one of old) {
          /** @type {ChildNode} */ (open.get(one)).remove();
          one.remove();
        }
        for (const one of fresh) {
          const made = document.importNode(one, true);
          node.insertBefore(made, place);
          was.insertBefore(one, right ?? null);
          pair(one, made);
        }
      },
    ];
  }

  return {
    become(next) {
      if (open.get(served.documentElement) !== document.documentElement || next.compatMode !== document.compatMode) return false;
      neutral(next);
      const all = changes(served.documentElement, next.documentElement);
      for (const change of all ?? []) change();
      return all !== null;
    },
  };
}

/** Takes out what does not count as a difference. @param {Document} page */
function neutral(page) {
  page.querySelector("script[data-live-page]")?.remove();
  // The reader's choice, which is made before anything else.
  page.documentElement.removeAttribute("data-theme");
  // Style sheets are swapped.
  for (const link of page.querySelectorAll('link[rel="stylesheet"]')) link.setAttribute("href", logicalName(link.getAttribute("href") ?? ""));
}

/** The name of a published file without the digest of its bytes. @param {string} name */
export function logicalName(name) {
  return name.replace(/\.[0-9a-f]{12}(?=\.css$)/, "");
}

/** @param {Element} element */
function isPlain(element) {
  if (element.matches('meta[name="description"]')) return true;
  return plain.has(element.nodeName) && !element.matches(`${handled}, ${handledWithin}`) && element.getAttributeNames().every((name) => attributes.test(name));
}

/** @param {Node} node */
function isPlainThroughout(node) {
  return !(node instanceof Element) || (isPlain(node) && [...node.querySelectorAll("*")].every(isPlain));
}

/** @param {Element} element */
function isHolder(element) {
  return (plain.has(element.nodeName) || holders.has(element.nodeName)) && !element.matches(handledWithin) && !namesTable(element);
}

/** Whether the buttons below a table are named after an element (`page/take.js`). @param {Element} element */
function namesTable(element) {
  if (!element.matches("h1, h2, h3, caption")) return false;
  const name = `${element.textContent?.replace(/\s+/g, " ").trim()} as `;
  return [...document.querySelectorAll(".table-take button")].some((button) => button.getAttribute("aria-label")?.startsWith(name));
}
