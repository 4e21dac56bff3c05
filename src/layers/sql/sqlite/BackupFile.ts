/** Backups of the embedded database: one consistent file, made while the server runs (docs/operations.md). */
import { existsSync } from "node:fs"
import { chmod, copyFile, link, mkdir, open, rename, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Data, Effect, type Scope } from "effect"
import { madeByNewer, table, unknownAmong } from "../database/AppliedMigrations.ts"
import type { DatabaseUnavailable } from "../database/DatabaseUnavailable.ts"
import * as DataDirectory from "./DataDirectory.ts"

/** A backup that was not made or not taken; nothing has changed. */
export class BackupRefused extends Data.TaggedError("BackupRefused")<{ readonly message: string }> {}

/** The name of a copy until it is whole and on the disk. */
const unfinishedOf = (path: string): string => `${path}.unfinished`

const step = <A>(run: () => A | Promise<A>): Effect.Effect<A, BackupRefused> =>
  Effect.tryPromise({
    try: async () => run(),
    catch: (error) =>
      error instanceof BackupRefused
        ? error
        : new BackupRefused({ message: error instanceof Error ? error.message : String(error) })
  })

const using = <A>(path: string, run: (database: DatabaseSync) => A): A => {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return run(database)
  } finally {
    database.close()
  }
}

/** Fails unless the file is a whole database of this program, or of an earlier version. */
const check = (path: string): void => {
  const refuse = (why: string): never => {
    throw new BackupRefused({ message: `${path} is no backup of this program: ${why}` })
  }
  if (!existsSync(path)) refuse("there is no such file")
  using(path, (database) => {
    let problems: ReadonlyArray<unknown>
    let applied: ReadonlyArray<unknown>
    try {
      problems = database.prepare("PRAGMA quick_check").all()
      applied = database.prepare(`SELECT migration_id, name FROM ${table} ORDER BY migration_id`).all()
    } catch (error) {
      return refuse(error instanceof Error ? error.message : String(error))
    }
    const [first] = problems as ReadonlyArray<{ readonly quick_check: string }>
    if (first?.quick_check !== "ok") refuse(`it is damaged, ${first?.quick_check}`)
    const unknown = unknownAmong(applied as Parameters<typeof unknownAmong>[0])
    if (unknown !== undefined) refuse(madeByNewer(unknown))
  })
}

/** Makes the database one file, unless it is damaged. */
const takeLogIn = (path: string): void => {
  try {
    const database = new DatabaseSync(path)
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
  } catch {
    // It is kept as it is.
  }
}

/** Waits until the file, or the names in the directory, are on the disk. */
const sync = async (path: string): Promise<void> => {
  const file = await open(path, "r")
  await file.sync()
  await file.close()
}

/**
 * Writes everything that was committed at one moment into a new file, which only its owner can read. The server goes on
 * meanwhile. Refuses to write over a file.
 */
export const write = Effect.fnUntraced(function* (
  dataDir: string,
  path: string
): Effect.fn.Return<void, BackupRefused> {
  const source = join(dataDir, DataDirectory.databaseName)
  const unfinished = unfinishedOf(path)
  if (existsSync(path)) return yield* new BackupRefused({ message: `${path} exists already` })
  if (!existsSync(source)) return yield* new BackupRefused({ message: `there is no database in ${dataDir}` })
  yield* step(async () => {
    await rm(unfinished, { force: true })
    await (await open(unfinished, "wx", DataDirectory.fileMode)).close()
    using(source, (database) => database.prepare("VACUUM INTO ?").run(unfinished))
    check(unfinished)
    await sync(unfinished)
    await rename(unfinished, path)
    await sync(join(path, ".."))
  }).pipe(Effect.onError(() => Effect.promise(() => rm(unfinished, { force: true }))))
})

/**
 * Puts a backup in the place of the database, which is kept beside it; answers where. Refuses while a server uses the directory,
 * and a file that is no backup: then nothing has changed.
 */
export const restore = Effect.fnUntraced(function* (
  dataDir: string,
  path: string
): Effect.fn.Return<string, BackupRefused | DatabaseUnavailable, Scope.Scope> {
  yield* step(() => check(path))
  const database = yield* DataDirectory.take(dataDir)
  const unfinished = unfinishedOf(database)
  const kept = join(dataDir, `replaced-${new Date().toISOString().replaceAll(":", "-")}`)
  yield* step(async () => {
    await copyFile(path, unfinished)
    await chmod(unfinished, DataDirectory.fileMode)
    await sync(unfinished)
    await mkdir(kept, { mode: DataDirectory.directoryMode })
    takeLogIn(database)
    // The log of a damaged database may be left, and would be applied to the new one.
    for (const file of [`${database}-wal`, `${database}-shm`].filter(existsSync)) {
      await rename(file, join(kept, basename(file)))
    }
    // In one step: there is a whole database at any moment, whenever this process is killed.
    await link(database, join(kept, basename(database)))
    await rename(unfinished, database)
    await sync(dataDir)
  })
  return kept
})
