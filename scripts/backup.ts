/** `pnpm backup PATH` and `pnpm restore PATH`: the embedded database as one file (docs/operations.md). */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Argument, Command } from "effect/cli"
import * as Settings from "../src/layers/settings/Settings.ts"
import * as BackupFile from "../src/layers/sql/sqlite/BackupFile.ts"

/** Says in one line what went wrong. */
const embedded = <E extends { readonly message: string }, R>(run: (dataDir: string) => Effect.Effect<void, E, R>) =>
  Effect.gen(function* () {
    const { store, dataDir } = yield* Settings.Settings
    if (store._tag !== "Sqlite") {
      return yield* new BackupFile.BackupRefused({
        message: "the store is MySQL: use its own tools, as docs/operations.md says"
      })
    }
    yield* run(dataDir)
  }).pipe(
    Effect.provide(Settings.layer),
    Effect.catch((error) =>
      Effect.andThen(
        Console.error(error.message),
        Effect.sync(() => {
          process.exitCode = 1
        })
      )
    )
  )

const path = Argument.String("path")

const make = Command.make("make", { path }, ({ path }) =>
  embedded((dataDir) =>
    Effect.andThen(BackupFile.write(dataDir, path), Console.log(`The database in ${dataDir} is in ${path}`))
  )
).pipe(Command.withDescription("write one consistent file, while the server runs"))

const restore = Command.make("restore", { path }, ({ path }) =>
  embedded((dataDir) =>
    Effect.scoped(
      Effect.flatMap(BackupFile.restore(dataDir, path), (kept) =>
        Console.log(`${path} is the database in ${dataDir} now; the former one is in ${kept}`)
      )
    )
  )
).pipe(Command.withDescription("put a backup in the place of the database, which is kept; no server may run on it"))

Command.make("backup").pipe(
  Command.withDescription("Backups of the embedded database"),
  Command.withSubcommands([make, restore]),
  Command.run({ version: "0.1.0" }),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
