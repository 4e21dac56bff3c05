/** Programs of the system: where they are, and what they say. */
import { spawnSync } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { delimiter, join } from "node:path"
import { InfraProblem } from "./InfraProblem.ts"

/** Where systems keep servers that are not on everybody's path. */
const serverFolders = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec"]

/** The path of the first of these programs that the system has. */
export const programNamed = (...names: ReadonlyArray<string>): string | undefined => {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...serverFolders]
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Runs a program to its end and answers what it has written; what it calls an error is told when that is no good end. */
export const run = (what: string, command: string, args: ReadonlyArray<string>): string => {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" }
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8", env })
  if (status === 0) return `${stdout}${stderr}`
  const lines = `${stdout}\n${stderr}`.trim().split("\n")
  const said = error?.message ?? lines.find((line) => /^(\[ERROR\]|E:|error)/i.test(line)) ?? lines.at(-1)
  throw new InfraProblem(`${what}: ${said}`)
}
