/** The direction of imports: src/domain knows Effect only, and nothing reaches back up (docs/architecture.md). */
import { readdirSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "../../src")

/** What each folder may import of the others. */
const allowed: Record<string, ReadonlyArray<string>> = {
  domain: ["domain"],
  actors: ["domain", "actors"],
  layers: ["domain", "actors", "layers"],
  http: ["domain", "actors", "layers", "http"],
  client: ["domain", "client"]
}
/** Folders that may use Effect and nothing else from outside. */
const pure = ["domain", "actors"]

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name))

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(file, "utf8").matchAll(/^(?:import |\} from |(?:import|export) [^"\n]* from )"([^"]+)"/gm)].flatMap(
    ([, path]) => path ?? []
  )

const folderOf = (path: string): string => relative(root, path).split("/", 1)[0] ?? ""

describe("imports", () => {
  it("are found at all", () => {
    assert.isAbove(files.length, 30)
    assert.isAbove(files.flatMap(importsOf).length, 100)
  })

  for (const file of files) {
    const folder = folderOf(file)
    if (folder.endsWith(".ts")) continue
    it(`of ${relative(root, file)} go the right way`, () => {
      assert.property(allowed, folder)
      for (const path of importsOf(file)) {
        if (path.startsWith(".")) assert.include(allowed[folder] ?? [], folderOf(join(file, "..", path)), path)
        else if (pure.includes(folder)) assert.match(path, /^effect($|\/)/)
      }
    })
  }
})
