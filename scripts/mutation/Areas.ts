/** The parts of the server that `pnpm mutate` changes, each with the tests that have to notice. */
import { matchesGlob } from "node:path"

export interface Area {
  readonly name: string
  /** Its files, as globs; those that begin with `!` are taken out again. */
  readonly patterns: ReadonlyArray<string>
  /** Folders of tests that need no server: quick enough to run those concerned for every mutant. */
  readonly tests: ReadonlyArray<string>
}

export const areas: ReadonlyArray<Area> = [
  {
    name: "the rules and the actors",
    patterns: ["src/domain/**/*.ts", "src/actors/**/*.ts"],
    tests: ["test/unit", "test/property"]
  },
  {
    name: "the embedded store",
    patterns: [
      "src/layers/sql/**/*.ts",
      "!src/layers/sql/database/Mysql*.ts",
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
