// A table that scrolls in its own box can be scrolled by keyboard, too: the box takes the focus while there is something to scroll.

const scrolling = ".table-scroll:not([role]), pre.json";

export function scrollByKeyboard() {
  // It calls when sizes are known, and again when something is unfolded. To ask before would lay out the page once more.
  const sizes = new ResizeObserver((entries) => {
    const boxes = new Set(entries.map(({ target }) => target.closest(scrolling)));
    const seen = [...boxes].flatMap((box) => (box ? [{ box, scrolls: box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight }] : []));
    for (const { box, scrolls } of seen) {
      if (scrolls) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  });
  /** @param {ParentNode} root */
  const watch = (root) => {
    for (const box of root.querySelectorAll(scrolling)) {
      for (const sized of [box, box.firstElementChild]) if (sized) sizes.observe(sized);
    }
  };
  watch(document);
  // What a script made later. The event does not bubble.
  document.addEventListener("toggle", (event) => event.target instanceof Element && watch(event.target), true);
}
