// The look that all charts share: colours from the style sheet's variables. Who draws registers the parts of Chart.js it needs.

import { Chart } from "chart.js";

/** The value of a colour variable in the theme that is on, e.g. `color("series-1")`. */
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Draws a chart with the report's look, and draws it anew when the theme changes and on paper, which is light. Returns `{repaint, update, area, end}`. */
export function draw(canvas, configure) {
  let chart = null;
  const paint = () => {
    chart?.destroy();
    chart = new Chart(canvas, withLook(configure()));
  };
  const themes = new MutationObserver(paint);
  themes.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  const media = ["(prefers-color-scheme: dark)", "print"].map((query) => window.matchMedia(query));
  for (const query of media) query.addEventListener("change", paint);
  paint();
  return {
    repaint: paint,
    /** Changes the configuration in place, which is quicker than painting anew. */
    update(change) {
      change(chart.config);
      chart.update("none");
    },
    area: () => chart?.chartArea,
    end() {
      themes.disconnect();
      for (const query of media) query.removeEventListener("change", paint);
      chart?.destroy();
    },
  };
}

function withLook(config) {
  const text = color("muted");
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11 };
  for (const scale of Object.values(config.options.scales)) {
    scale.ticks = { color: text, font, maxRotation: 0, autoSkipPadding: 16, ...scale.ticks };
    scale.grid = { color: color("line"), ...scale.grid };
    scale.border = { color: color("line-strong") };
    if (scale.title) Object.assign(scale.title, { display: true, color: text, font });
  }
  config.options.animation = false;
  config.options.responsive = true;
  config.options.maintainAspectRatio = false;
  config.options.interaction = { mode: "index", intersect: false };
  config.options.plugins = {
    ...config.options.plugins,
    legend: {
      position: "bottom",
      align: "start",
      labels: { color: text, font, boxWidth: 10, boxHeight: 10 },
      ...config.options.plugins?.legend,
    },
  };
  return config;
}
