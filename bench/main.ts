/** `pnpm bench <suite> [--quick] [--json]`: runs a benchmark and prints its figures. */
import { run, type Size, table } from "./gateway.ts"

const full: Size = { connections: 10_000, frames: 100_000, rounds: 5, idleMillis: 35_000 }
/** To see that it works; its figures mean nothing. */
const quick: Size = { connections: 500, frames: 4_000, rounds: 1, idleMillis: 1_000 }

const [suite, ...flags] = process.argv.slice(2)
if (suite !== "gateway") {
  process.stderr.write("usage: pnpm bench gateway [--quick] [--json]\n")
  process.exit(2)
}
const report = await run(flags.includes("--quick") ? quick : full, (line) => process.stderr.write(`${line}\n`))
process.stdout.write(`${flags.includes("--json") ? JSON.stringify(report, null, 2) : table(report)}\n`)
