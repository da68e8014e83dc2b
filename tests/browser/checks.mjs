// What the tests that hold pages against a database share: questions in SQL, and checks that are counted.

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Asks a database; gives the rows of a query as objects. @param {string} database @returns {(query: string) => Promise<any[]>} */
export function asking(database) {
  return async (query) => {
    const wrapped = `SET TIME ZONE 'UTC'; SELECT coalesce(json_agg(rows), '[]') FROM (${query}) rows`;
    const { stdout } = await run("psql", ["--no-psqlrc", "-qAt", "-v", "ON_ERROR_STOP=1", "-c", wrapped, database], { maxBuffer: 1 << 28 });
    return JSON.parse(stdout);
  };
}

/** Does `work` for every item, some at a time: pages wait for the browser more than they compute. @template T @param {Iterable<T>} items @param {(item: T) => Promise<unknown>} work */
export async function severalAtOnce(items, work) {
  const waiting = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, worker));
}

/** Checks, each of which passes or leaves a line; `end` says what came of them, and fails the program where one failed or fewer passed than should. */
export function checking() {
  let passed = 0;
  /** @type {string[]} */
  const failures = [];
  return {
    failures,
    /** @param {string} name @param {unknown} ours @param {unknown} theirs */
    check(name, ours, theirs) {
      const [a, b] = [ours, theirs].map((value) => JSON.stringify(value));
      if (a === b) passed += 1;
      else failures.push(`${name}: the page says ${a?.slice(0, 400)}, expected ${b?.slice(0, 400)}`);
    },
    /** @param {number} least */
    end(least) {
      for (const failure of failures) console.error(`failed: ${failure}`);
      console.log(`${passed} passed, ${failures.length} failed`);
      process.exitCode = failures.length > 0 || passed < least ? 1 : 0;
    },
  };
}

const axe = readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/**
 * What violates a rule of axe-core, in words. Nothing but colours is another in the dark, so there only the rules that look at them are asked.
 * @param {import("playwright-core").Page} page one that bypasses its policy
 * @param {string} colorScheme
 * @returns {Promise<string[]>}
 */
export async function violations(page, colorScheme) {
  await page.evaluate(await axe);
  return page.evaluate(
    async (rules) => {
      // @ts-ignore: the library has just put it there
      const { violations } = await window.axe.run(document, { resultTypes: ["violations"], ...rules });
      return violations.map(({ id, nodes }) => `${id}: ${nodes.length} × ${nodes[0].html.slice(0, 160)} (${nodes[0].failureSummary?.split("\n")[1]?.trim()})`);
    },
    colorScheme === "dark" ? { runOnly: ["color-contrast", "link-in-text-block"] } : {},
  );
}
