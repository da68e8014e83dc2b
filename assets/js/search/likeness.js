// How like two words are: the number of letters to put in, leave out, change or swap.

/** Errors that a word may have. @param {number} letters */
export function allowed(letters) {
  return letters < 4 ? 0 : letters < 8 ? 1 : 2;
}

/**
 * Errors between a word that was typed and one that was meant. Where the typed one is still `open`, also the errors to a beginning of
 * the other, and half an error more. What is more than `most` is Infinity.
 * @param {string[]} typed @param {string[]} meant @param {number} most @param {boolean} open
 */
export function errors(typed, meant, most, open) {
  if (typed.length - meant.length > most || (!open && meant.length - typed.length > most)) return Infinity;
  const wide = Math.min(meant.length, typed.length + most);
  let before = /** @type {number[]} */ ([]);
  let row = Array.from({ length: wide + 1 }, (_, at) => at);
  for (let i = 1; i <= typed.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= wide; j += 1) {
      let cost = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (typed[i - 1] === meant[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && typed[i - 1] === meant[j - 2] && typed[i - 2] === meant[j - 1]) cost = Math.min(cost, before[j - 2] + 1);
      next.push(cost);
    }
    if (Math.min(...next) > most) return Infinity;
    [before, row] = [row, next];
  }
  const whole = wide === meant.length && row[wide] <= most ? row[wide] : Infinity;
  const beginning = open ? Math.min(...row) : Infinity;
  return Math.min(whole, beginning <= most ? beginning + 0.5 : Infinity);
}
