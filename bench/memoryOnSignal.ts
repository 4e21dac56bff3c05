/**
 * Loaded into every server under test: on SIGUSR2 it collects garbage and writes down the memory in use. Resident
 * memory alone misleads: a heap that has grown at start has free pages left, which then cost nothing to fill.
 */
import { writeFileSync } from "node:fs"

process.on("SIGUSR2", () => {
  // Again and again: V8 drops the code of functions that only the start needed after several collections, and that must
  // not be counted in favour of the connections.
  for (let pass = 0; pass < 12; pass++) globalThis.gc?.()
  const { rss, heapTotal, heapUsed } = process.memoryUsage()
  writeFileSync(process.env["BENCH_MEMORY_FILE"] ?? "", String(rss - (heapTotal - heapUsed)))
})
