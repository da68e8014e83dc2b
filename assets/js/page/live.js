// Follows a live rebuild: waits for the server's next event, then reloads, swaps the styles, or shows the error.

const path = "/_peerpress/events";
const key = "peerpress-generation";
let generation = remembered();
let overlay = null;

/** Starts only on pages that were made for development and came from a server. */
export async function followServer() {
  if (!/^https?:$/.test(window.location.protocol) || !isDevelopment()) return;
  let pause = 1000;
  for (;;) {
    try {
      const response = await fetch(`${path}?since=${generation}`, { cache: "no-store" });
      if (response.status === 404) return;
      if (!response.ok) throw new Error(`status ${response.status}`);
      if (response.status !== 204) handle(await response.json());
      pause = 1000;
      // A server that answers at once, with nothing new, is not asked in a tight loop.
      await sleep(100);
    } catch {
      await sleep(pause);
      pause = Math.min(pause * 2, 15_000);
    }
  }
}

function handle(event) {
  if (typeof event?.generation !== "number" || event.generation === generation) return;
  generation = event.generation;
  remember(generation);
  if (event.kind === "error") return showError(event.message);
  hideError();
  if (event.kind === "css") return swapStyles();
  if (event.kind === "reload") window.location.reload();
}

/** The new style sheet has a new name; the page as it is now published says which. */
async function swapStyles() {
  const response = await fetch(window.location.href, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const next = fresh.querySelectorAll('link[rel="stylesheet"]');
  const old = document.querySelectorAll('link[rel="stylesheet"]');
  if (next.length !== old.length) return window.location.reload();
  next.forEach((link, i) => {
    const made = document.createElement("link");
    made.rel = "stylesheet";
    made.href = `${link.getAttribute("href").split("?")[0]}?g=${generation}`;
    // The old one goes when the new one is there, so that nothing flashes.
    made.addEventListener("load", () => old[i].remove());
    old[i].after(made);
  });
}

function showError(message) {
  hideError();
  overlay = document.createElement("div");
  overlay.className = "dev-error";
  overlay.setAttribute("role", "alert");
  const title = document.createElement("strong");
  const text = document.createElement("pre");
  title.textContent = "The last build failed; this page is the one before";
  text.textContent = message ?? "";
  overlay.append(title, text);
  document.body.append(overlay);
}

function hideError() {
  overlay?.remove();
  overlay = null;
}

function isDevelopment() {
  try {
    return JSON.parse(document.querySelector('meta[name="peermetrics-settings"]').getAttribute("content")).dev === true;
  } catch {
    return false;
  }
}

// Kept over reloads: a page that starts at 0 would be told of the last rebuild, and reload once more than needed.
function remembered() {
  try {
    return Number(window.sessionStorage.getItem(key)) || 0;
  } catch {
    return 0;
  }
}

function remember(value) {
  try {
    window.sessionStorage.setItem(key, String(value));
  } catch {
    // Then the page reloads once more than needed.
  }
}

function sleep(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
