/** The direction of imports: src/domain knows Effect only, nothing reaches back up, and no two modules need each other (docs/architecture.md). */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { assert, describe, it } from "@effect/vitest"

const root = join(import.meta.dirname, "../../src")

/** The top folders that each top folder may import. */
const allowed: Record<string, ReadonlyArray<string>> = {
  domain: ["domain"],
  actors: ["domain", "actors"],
  layers: ["domain", "actors", "layers"],
  http: ["domain", "actors", "layers", "http"],
  client: ["domain", "client"]
}
/** Folders that may use Effect and nothing else from outside. */
const pure = ["domain", "actors"]

/** Entries that a folder has at most: doors that a reader can take in at a glance. */
const entriesMax = 13

const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => join(entry.parentPath, entry.name))

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(file, "utf8").matchAll(/^(?:import |\} from |(?:import|export) [^"\n]* from )"([^"]+)"/gm)].flatMap(
    ([, path]) => path ?? []
  )

const folderOf = (path: string): string => relative(root, path).split("/", 1)[0] ?? ""

/** A module is a folder with files in it; the files that stand directly in a top folder put its modules together. */
const moduleOf = (file: string): string => relative(root, dirname(file))

/** The modules that each module imports from. */
const neighbours = new Map<string, Set<string>>()
for (const file of files) {
  const module = moduleOf(file)
  const known = neighbours.get(module) ?? new Set()
  for (const path of importsOf(file)) {
    if (path.startsWith(".")) known.add(moduleOf(join(file, "..", path)))
  }
  known.delete(module)
  neighbours.set(module, known)
}

/** A way from a module back to itself, if there is one. */
const circleFrom = (start: string): ReadonlyArray<string> | undefined => {
  const seen = new Set<string>()
  const walk = (module: string, path: ReadonlyArray<string>): ReadonlyArray<string> | undefined => {
    for (const next of neighbours.get(module) ?? []) {
      if (next === start) return [...path, next]
      if (seen.has(next)) continue
      seen.add(next)
      const circle = walk(next, [...path, next])
      if (circle !== undefined) return circle
    }
    return undefined
  }
  return walk(start, [start])
}

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

describe("modules", () => {
  for (const module of neighbours.keys()) {
    it(`${module === "" ? "src" : module} is in no circle of modules`, () => {
      assert.isUndefined(circleFrom(module), circleFrom(module)?.join(" → "))
    })
    it(`${module === "" ? "src" : module} has at most ${entriesMax} entries`, () => {
      assert.isAtMost(readdirSync(join(root, module)).length, entriesMax)
    })
  }
})
