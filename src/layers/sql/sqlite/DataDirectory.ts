/**
 * The data directory of the embedded database. One process uses it at a time, and other users of the machine cannot read it
 * (docs/operations.md).
 */
import { existsSync } from "node:fs"
import { chmod, mkdir, open, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { Effect, Schedule, type Scope } from "effect"
import { type DatabaseUnavailable, unavailable } from "../database/DatabaseUnavailable.ts"

/** For their owner only. */
export const directoryMode = 0o700
export const fileMode = 0o600
export const databaseName = "fiberchat.db"
/** How long a start waits for another process that is about to end: five seconds. */
const untilReleased = { while: (error: unknown) => isBusy(error), schedule: Schedule.spaced("200 millis"), times: 25 }

/**
 * Holds the lock of SQLite on a file without content: the system gives it back when the process ends, however it ends.
 * The database itself stays free for its own locks.
 */
const lock = (path: string): Effect.Effect<DatabaseSync, unknown> =>
  Effect.try({
    try: () => {
      const file = new DatabaseSync(path)
      try {
        file.exec("BEGIN EXCLUSIVE")
        return file
      } catch (error) {
        file.close()
        throw error
      }
    },
    catch: (error) => error
  })

const isBusy = (error: unknown): boolean => Object(error).errcode === 5

/** The process that holds the lock, as it has written it down. */
const holderOf = (pidPath: string): Effect.Effect<string> =>
  Effect.promise(() =>
    readFile(pidPath, "utf8").then(
      (pid) => `process ${pid.trim()}`,
      () => "another process"
    )
  )

const attempt = <A>(step: () => Promise<A>): Effect.Effect<A, DatabaseUnavailable> =>
  Effect.tryPromise({ try: step, catch: (error) => unavailable(String(error)) })

/** Makes an empty file if there is none, and has only its owner read it. SQLite gives its other files the same rights. */
const protect = async (path: string): Promise<void> => {
  await (await open(path, "a", fileMode)).close()
  await chmod(path, fileMode)
}

/** Takes the directory until the scope ends, and answers the path of the database in it. Made if it does not exist. */
export const take = Effect.fnUntraced(function* (
  directory: string
): Effect.fn.Return<string, DatabaseUnavailable, Scope.Scope> {
  const [database, lockPath, pidPath] = [databaseName, "fiberchat.lock", "fiberchat.pid"].map((name) =>
    join(directory, name)
  ) as [string, string, string]
  yield* attempt(() => mkdir(directory, { recursive: true, mode: directoryMode }))
  yield* attempt(() => protect(lockPath))
  yield* Effect.acquireRelease(
    Effect.retry(lock(lockPath), untilReleased).pipe(
      Effect.catch((error) =>
        isBusy(error)
          ? Effect.flatMap(holderOf(pidPath), (holder) => Effect.fail(unavailable(`${holder} uses ${directory}`)))
          : Effect.fail(unavailable(`${lockPath}: ${error}`))
      )
    ),
    (file) => Effect.sync(() => file.close())
  )
  yield* attempt(() => writeFile(pidPath, `${process.pid}\n`, { mode: fileMode }))
  yield* attempt(() => protect(database))
  // Those of an earlier version, which did not protect them.
  for (const path of [`${database}-wal`, `${database}-shm`].filter(existsSync)) {
    yield* attempt(() => chmod(path, fileMode))
  }
  return database
})
