/** House rules that a linter does not know (docs/decisions, style): as tests, so that they hold. */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "../..")

const filesIn = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))

const source = filesIn("src").map((path) => ({ name: relative(root, path), text: readFileSync(path, "utf8") }))

describe("every file of src", () => {
  for (const { name, text } of source) {
    it(`${name} opens with what it owns and holds one noun`, () => {
      assert.match(text, /^\/\*\* ?\S|^\/\*\*\n \* \S/)
      assert.isAtMost(text.split("\n").length, 320)
    })

    if (/^src\/(domain|actors)\//.test(name)) {
      it(`${name} takes time and chance from Clock and Random only`, () => {
        assert.notMatch(text, /Date\.now\(|new Date\(\)|Math\.random\(|setTimeout\(|setInterval\(/)
      })
    }
  }
})
