// The checklist in realtime.md §8 has 49 rows; a test names those that it shows.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { range } from "../harness.mjs";

test("each row of the checklist has a test that names it", async () => {
  const folder = fileURLToPath(new URL("..", import.meta.url));
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith(".test.mjs") && !name.startsWith("node_modules"),
  );
  const texts = await Promise.all(files.map((name) => readFile(`${folder}/${name}`, "utf8")));
  const titles = texts.flatMap((text) => text.match(/^ *test\(["`].*$/gm) ?? []);
  const named = new Set(titles.flatMap((title) => title.match(/\bR\d+\b/g) ?? []));
  assert.deepEqual(range(49).map((n) => `R${n + 1}`).filter((row) => !named.has(row)), []);
});
