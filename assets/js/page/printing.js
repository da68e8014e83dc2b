// On paper nothing can be opened: folds are, for as long as it takes, and the page's address is told to the style sheet.

export function preparePrinting() {
  let opened = [];
  window.addEventListener("beforeprint", () => {
    const footer = document.querySelector(".page-footer");
    if (footer instanceof HTMLElement) footer.dataset.url = window.location.href;
    opened = [...document.querySelectorAll("details.fold:not([open])")].filter((fold) => fold instanceof HTMLDetailsElement);
    for (const fold of opened) fold.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const fold of opened) fold.open = false;
    opened = [];
  });
}
