/** The parts of the server that `pnpm mutate` changes, each with the tests that have to notice. */
import { matchesGlob } from "node:path"

export interface Area {
  readonly name: string
  /** Its files, as globs; those that begin with `!` are taken out again. */
  readonly patterns: ReadonlyArray<string>
  /** Folders of tests, of which those run that reach a mutant. */
  readonly tests: ReadonlyArray<string>
}

/** Rules about users, groups and conversations: mostly reached through a store, or through the whole server. */
const throughStore = ["accounts", "contacts", "conversations", "groups", "services"]

export const areas: ReadonlyArray<Area> = [
  {
    name: "the machines and the actors",
    patterns: [
      "src/domain/**/*.ts",
      "src/actors/**/*.ts",
      ...throughStore.map((module) => `!src/domain/${module}/*.ts`)
    ],
    tests: ["test/unit", "test/property"]
  },
  {
    name: "the rules of users, groups and conversations",
    patterns: throughStore.map((module) => `src/domain/${module}/*.ts`),
    tests: ["test/unit", "test/property", "test/conformance", "test/integration"]
  },
  {
    name: "the embedded store",
    patterns: [
      "src/layers/sql/**/*.ts",
      // Only the infrastructure tests reach MySQL's part, and no mutant can be switched on inside of the thread.
      "!src/layers/sql/database/Mysql*.ts",
      "!src/layers/sql/database/DatabaseUnavailable.ts",
      "!src/layers/sql/sqlite/SqliteWorker.ts",
      "src/layers/transfer/DraftQueue.ts",
      "src/layers/transfer/TransferEmbedded.ts",
      "src/layers/shared/*.ts"
    ],
    tests: ["test/unit", "test/conformance"]
  }
]

/** Whether an area has this file. */
export const has = ({ patterns }: Area, file: string): boolean =>
  patterns.some((pattern) => matchesGlob(file, pattern)) &&
  !patterns.some((pattern) => pattern.startsWith("!") && matchesGlob(file, pattern.slice(1)))
