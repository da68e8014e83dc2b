// Stands in for @kurkle/color in the bundle of the line graphs: those neither fade nor light up, so Chart.js computes no colours
// there, and the parser of colours with its table of names is left out.

export class Color {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    // Tells Chart.js to take the colour as it is.
    this.valid = false;
  }
  saturate() {
    return this;
  }
  darken() {
    return this;
  }
  hexString() {
    return this.text;
  }
}
