/**
 * Preloaded into a server process: its wall clock is ahead of the machine's by the milliseconds in the file
 * `WALL_CLOCK_FILE`, which is read again on SIGUSR2.
 */
import { readFileSync } from "node:fs"
import { isMainThread } from "node:worker_threads"

const MachineDate = Date
const machineNow = Date.now
let ahead = 0
const now = () => machineNow() + ahead

const read = () => {
  ahead = Number(readFileSync(process.env["WALL_CLOCK_FILE"] ?? "", "utf8"))
  if (isMainThread) console.error(`the wall clock is ahead by ${ahead} ms`)
}

MachineDate.now = now
globalThis.Date = new Proxy(MachineDate, {
  construct: (target, parts, newTarget) => Reflect.construct(target, parts.length === 0 ? [now()] : parts, newTarget)
})

read()
if (isMainThread) process.on("SIGUSR2", read)
