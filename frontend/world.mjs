// The land of the world as one SVG path, for the maps of places: made from Natural Earth's 1:110 million land polygons
// (public domain, by way of the package world-atlas), simplified to what a map of 1000 x 430 units can show.
// x = (longitude + 180) / 360 * 1000, y = (90 - latitude) / 180 * 500; what lies south of 64.8° S is cut off.

import { createRequire } from "node:module";
import { feature } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

/** @typedef {[number, number]} Point */

const require = createRequire(import.meta.url);

/** Triangles smaller than this, in square degrees, are flattened away. */
const LEAST_TRIANGLE = 0.7;
/** Rings smaller than this, in square units of the map, are left out: islands that would be dots. */
const LEAST_RING = 5;
/** Where the map ends: Antarctica says nothing about calls. */
const BOTTOM = 430;

/** The text of site-templates/components/world.html. */
export function world() {
  const atlas = require("world-atlas/land-110m.json");
  const land = feature(simplify(presimplify(atlas), LEAST_TRIANGLE), atlas.objects.land);
  /** @type {Point[][][]} */
  const polygons = land.features.flatMap((/** @type {any} */ { geometry }) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates));
  const rings = polygons
    .flatMap((polygon) => polygon.flatMap((ring) => copies(unwrapped(ring))))
    .map(project)
    .filter((ring) => ring.length > 3 && area(ring) >= LEAST_RING && ring.some(([, y]) => y < BOTTOM - 20));
  const path = rings.map(draw).join("");
  return `{#- The land of the world, from Natural Earth (naturalearthdata.com), which is in the public domain. Built by \`npm run build\` from
    frontend/world.mjs. Drawn for the view box "0 0 1000 430": x = (longitude + 180) / 360 * 1000, y = (90 - latitude) / 180 * 500. -#}
{% component world() -%}<path class="land" d="${path}"/>{%- endcomponent world %}
`;
}

/** A ring that crosses the antimeridian goes on beyond 180° instead of jumping to the other edge. @param {Point[]} ring */
function unwrapped(ring) {
  let turn = 0;
  return ring.map(([longitude, latitude], at) => {
    const step = at === 0 ? 0 : longitude - ring[at - 1][0];
    if (step > 180) turn -= 360;
    if (step < -180) turn += 360;
    return /** @type {Point} */ ([longitude + turn, latitude]);
  });
}

/** What lies beyond an edge is drawn once more at the other one; the picture's frame cuts the rest off. @param {Point[]} ring */
function copies(ring) {
  /** @param {number} turn @returns {Point[]} */
  const moved = (turn) => ring.map(([longitude, latitude]) => [longitude + turn, latitude]);
  const all = [ring];
  if (ring.some(([longitude]) => longitude > 180)) all.push(moved(-360));
  if (ring.some(([longitude]) => longitude < -180)) all.push(moved(360));
  return all;
}

/** A ring on the map, in whole units, without points that fall on the one before. @param {Point[]} ring */
function project(ring) {
  /** @type {Point[]} */
  const points = ring.map(([longitude, latitude]) => [Math.round(((longitude + 180) / 360) * 1000), Math.round(((90 - latitude) / 180) * 500)]);
  return points.filter(([x, y], at) => at === 0 || x !== points[at - 1][0] || y !== points[at - 1][1]);
}

/** @param {Point[]} ring */
function area(ring) {
  const twice = ring.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = ring[(at + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}

/** Relative steps are shorter than absolute places. @param {Point[]} ring */
function draw(ring) {
  let text = `M${ring[0][0]} ${ring[0][1]}l`;
  let [lastX, lastY] = ring[0];
  for (const [x, y] of ring.slice(1, -1)) {
    const [dx, dy] = [x - lastX, y - lastY];
    const space = /[0-9]$/.test(text) && dx >= 0 ? " " : "";
    text += `${space}${dx}${dy < 0 ? "" : " "}${dy}`;
    [lastX, lastY] = [x, y];
  }
  return `${text}z`;
}
