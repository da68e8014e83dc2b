// The parts of Chart.js that line graphs use, and the plug-in of this page: bands of bad values.

import { Chart, LinearScale, LineController, LineElement, PointElement } from "chart.js";
import { color } from "../../shared/chart.js";

Chart.register(LinearScale, LineController, LineElement, PointElement);

/** Bands behind the lines, with a line at their limit and the word for them at the edge, so that the tint is not all that tells. */
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
      const limits = [band.from === null ? null : bottom, band.to === null ? null : top].filter((limit) => limit > area.top && limit < area.bottom);
      ctx.strokeStyle = ctx.fillStyle = color(band.level);
      ctx.setLineDash([2, 3]);
      for (const limit of limits) {
        ctx.beginPath();
        ctx.moveTo(area.left, limit);
        ctx.lineTo(area.right, limit);
        ctx.stroke();
      }
      if (bottom - top > 13) {
        ctx.font = `10px ${chart.options.font.family}`;
        ctx.textAlign = "right";
        ctx.textBaseline = "top";
        ctx.fillText(band.level, area.right - 4, top + 2);
      }
      ctx.restore();
    });
  },
};
