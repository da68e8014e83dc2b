// Light, dark, or as the system has it; remembered where the browser lets us.

const key = "peerpress-theme";
const names = { auto: "Auto", light: "Light", dark: "Dark" };

export function applyTheme(theme = stored()) {
  const { dataset } = document.documentElement;
  if (theme === "auto") delete dataset.theme;
  else dataset.theme = theme;
}

/** Each press takes the next theme; the label says which one is on. */
export function themeButton(button) {
  let theme = stored();
  const show = () => {
    button.textContent = `Theme: ${names[theme]}`;
  };
  button.addEventListener("click", () => {
    const order = Object.keys(names);
    theme = order[(order.indexOf(theme) + 1) % order.length];
    store(theme);
    applyTheme(theme);
    show();
  });
  show();
  button.hidden = false;
}

function stored() {
  try {
    const theme = window.localStorage.getItem(key);
    return theme in names ? theme : "auto";
  } catch {
    return "auto";
  }
}

function store(theme) {
  try {
    window.localStorage.setItem(key, theme);
  } catch {
    // Private windows and some file:// pages keep nothing; the theme then lasts as long as the page.
  }
}
