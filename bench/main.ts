/** `pnpm bench <suite> [--quick] [--json]`: runs a benchmark and prints its figures. */
import { ackTable, runAcks } from "./acks.ts"
import { run, type Size, table } from "./gateway.ts"

const full: Size = { connections: 10_000, frames: 100_000, rounds: 5, idleMillis: 35_000 }
/** To see that it works; its figures mean nothing. */
const quick: Size = { connections: 500, frames: 4_000, rounds: 1, idleMillis: 1_000 }

const [suite, ...flags] = process.argv.slice(2)
const isQuick = flags.includes("--quick")
const progress = (line: string) => process.stderr.write(`${line}\n`)
const print = <Report>(report: Report, table: (report: Report) => string) =>
  process.stdout.write(`${flags.includes("--json") ? JSON.stringify(report, null, 2) : table(report)}\n`)

switch (suite) {
  case "gateway":
    print(await run(isQuick ? quick : full, progress), table)
    break
  case "acks":
    print(runAcks(isQuick ? 10_000 : 300_000, progress), ackTable)
    break
  default:
    process.stderr.write("usage: pnpm bench gateway|acks [--quick] [--json]\n")
    process.exit(2)
}
