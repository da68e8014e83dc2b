// A table that scrolls in its own box can be scrolled by keyboard, too: the box takes the focus while there is something to scroll.

export function scrollByKeyboard() {
  const update = () => {
    for (const box of document.querySelectorAll(".table-scroll:not([role]), pre.json")) {
      const scrolls = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
      if (scrolls) box.setAttribute("tabindex", "0");
      else box.removeAttribute("tabindex");
    }
  };
  update();
  window.addEventListener("resize", update);
  // What was folded away had no size. The event does not bubble.
  document.addEventListener("toggle", update, true);
}
