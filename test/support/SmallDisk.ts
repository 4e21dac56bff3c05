/**
 * Files that really cannot be written: a file system of a few MiB that a test fills and empties, a process that may not
 * let a file grow, and a file that nobody may change. The first and the last take root's rights.
 */
import { execFileSync } from "node:child_process"
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync, writeSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"] })
}

/** Why this cannot be done here; `undefined` when it can. */
const problemOf = (attempt: () => void): string | undefined => {
  try {
    attempt()
    return undefined
  } catch (error) {
    return String(Object(error).stderr || error).trim()
  }
}

const mountDisk = (mebibytes: number): string => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-disk-"))
  try {
    run("mount", "-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", directory)
  } catch (error) {
    rmdirSync(directory)
    throw error
  }
  return directory
}

const unmount = (directory: string): void => {
  // A process with an open file there keeps it until it ends.
  run("umount", "--lazy", directory)
  rmdirSync(directory)
}

export class SmallDisk {
  readonly directory: string
  private readonly filler: string

  constructor(directory: string) {
    this.directory = directory
    this.filler = join(directory, "filler")
  }

  /** Leaves no room for another byte. */
  fill(): void {
    const file = openSync(this.filler, "a")
    try {
      for (let size = 64 * 1024; size > 0; size = size >> 1) {
        const chunk = Buffer.alloc(size)
        while (writeUnlessFull(file, chunk));
      }
    } finally {
      closeSync(file)
    }
  }

  /** Makes room again. */
  empty(): void {
    rmSync(this.filler, { force: true })
  }
}

const writeUnlessFull = (file: number, chunk: Buffer): boolean => {
  try {
    return writeSync(file, chunk) === chunk.length
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false
    throw error
  }
}

/** Why no small disk can be had here. */
export const noDisk = problemOf(() => unmount(mountDisk(1)))

/** A file system of its own, taken away with the scope. */
export const smallDisk = (mebibytes: number) =>
  Effect.acquireRelease(
    Effect.sync(() => new SmallDisk(mountDisk(mebibytes))),
    ({ directory }) => Effect.sync(() => unmount(directory))
  )

/** No file of the process may become larger, from now on; `unlimited` takes it back. */
export const limitFileSize = (pid: number, bytes: number | "unlimited"): void =>
  run("prlimit", "--pid", String(pid), `--fsize=${bytes}:unlimited`)

export const noFileSizeLimit = problemOf(() => limitFileSize(process.pid, "unlimited"))

/** These files cannot be changed, not even by root; processes that have them open are refused, too. */
export const freeze = (paths: ReadonlyArray<string>): void => setImmutable("+i", paths)
export const thaw = (paths: ReadonlyArray<string>): void => setImmutable("-i", paths)

const setImmutable = (mode: "+i" | "-i", paths: ReadonlyArray<string>): void => {
  if (paths.length > 0) run("chattr", mode, ...paths)
}

/** Why files cannot be frozen here: it takes root and a file system that asks at each write (ext4, not tmpfs). */
export const noFreezing = problemOf(() => {
  const directory = mkdtempSync(join(tmpdir(), "fiberchat-frozen-"))
  const path = join(directory, "file")
  writeFileSync(path, "")
  const file = openSync(path, "a")
  try {
    freeze([path])
    const refusal = problemOf(() => void writeSync(file, "x"))
    thaw([path])
    if (refusal === undefined) throw new Error("the file system lets those write who had the file open")
  } finally {
    closeSync(file)
    rmSync(directory, { recursive: true })
  }
})
