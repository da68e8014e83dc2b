// The parts of Chart.js that line graphs use, and the plug-ins of this page: bands of bad values and the shared cursor.

import { Chart, LinearScale, LineController, LineElement, PointElement } from "chart.js";
import { color } from "../../shared/chart.js";

Chart.register(LinearScale, LineController, LineElement, PointElement);

/** Bands behind the lines. */
export const bands = {
  id: "bands",
  beforeDatasetsDraw(chart, _, { list, scale }) {
    const { ctx, chartArea: area, scales } = chart;
    list.forEach((band, at) => {
      // Each is drawn up to the next one in the same direction.
      const next = list[at + 1];
      const low = (band.from ?? next?.to ?? -Infinity) * scale;
      const high = (band.to ?? next?.from ?? Infinity) * scale;
      const y = (value) => Math.min(Math.max(scales.y.getPixelForValue(value), area.top), area.bottom);
      const top = high === Infinity ? area.top : y(high);
      const bottom = low === -Infinity ? area.bottom : y(low);
      if (bottom <= top) return;
      ctx.save();
      ctx.fillStyle = color(`${band.level}-tint`);
      ctx.fillRect(area.left, top, area.right - area.left, bottom - top);
      ctx.restore();
    });
  },
};

/** The vertical line that all graphs and the timeline share. */
export const cursor = {
  id: "cursor",
  afterDatasetsDraw(chart, _, { at }) {
    if (at === null || at === undefined) return;
    const { ctx, chartArea: area, scales } = chart;
    const x = scales.x.getPixelForValue(at);
    if (x < area.left || x > area.right) return;
    ctx.save();
    ctx.strokeStyle = color("text");
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(x, area.top);
    ctx.lineTo(x, area.bottom);
    ctx.stroke();
    ctx.restore();
  },
};
