/**
 * Loaded into a server whose CPU profile is wanted: SIGUSR2 begins it, and the next one writes it down. `--cpu-prof`
 * would count the start, too, and needs a process that ends by itself.
 */
import { renameSync, writeFileSync } from "node:fs"
import { Session } from "node:inspector/promises"

const intervalMicros = 250
let session: Session | undefined

process.on("SIGUSR2", async () => {
  if (session === undefined) {
    session = new Session()
    session.connect()
    await session.post("Profiler.enable")
    await session.post("Profiler.setSamplingInterval", { interval: intervalMicros })
    await session.post("Profiler.start")
    return
  }
  const { profile } = await session.post("Profiler.stop")
  session.disconnect()
  session = undefined
  const file = `${process.env["CHAT_DATA_DIR"]}/${process.pid}.cpuprofile`
  // Renamed when complete: a waiting reader never sees half of it.
  writeFileSync(`${file}.new`, JSON.stringify(profile))
  renameSync(`${file}.new`, file)
})
