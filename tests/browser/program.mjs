// The program under test: `peerpress serve` in a folder of its own.

import { spawn } from "node:child_process";
import readline from "node:readline";

/**
 * Starts it on a port that the system picks, and resolves when it serves. `said` waits for a line on the terminal that was not waited for
 * before; `stop` is Ctrl-C and gives the exit code.
 * @param {string} program @param {string[]} args @param {string} cwd @param {number} patience milliseconds for a line to come
 */
export async function live(program, args, cwd, patience) {
  const child = spawn(program, ["serve", "--port", "0", ...args], { cwd, stdio: ["ignore", "ignore", "pipe"] });
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => child.once("exit", resolve));
  /** @type {string[]} */
  const lines = [];
  let wake = () => {};
  readline.createInterface({ input: child.stderr }).on("line", (line) => {
    lines.push(line);
    wake();
  });
  /** @param {RegExp} pattern */
  const said = async (pattern) => {
    const until = Date.now() + patience;
    for (;;) {
      const at = lines.findIndex((line) => pattern.test(line));
      if (at >= 0) return lines.splice(0, at + 1).at(-1);
      if (Date.now() > until || child.exitCode !== null) throw new Error(`${pattern} was not said; last: ${lines.join("\n")}`);
      await new Promise((resolve) => {
        wake = () => resolve(undefined);
        setTimeout(resolve, 200);
      });
    }
  };
  const line = await said(/http:/);
  const stop = () => {
    child.kill("SIGINT");
    return exited;
  };
  return { origin: `${line?.match(/http:\S+/)?.[0]}/`, said, stop };
}
