/** `pnpm bench <suite> [--quick] [--json]`: runs a benchmark and prints its figures. */
import { parseArgs } from "node:util"
import { ackTable, runAcks } from "./acks.ts"
import { apiTable } from "./api/table.ts"
import * as Api from "./api.ts"
import { contenderNames } from "./durable/Contender.ts"
import { durableTable } from "./durable/table.ts"
import * as Durable from "./durable.ts"
import { run, type Size, table } from "./gateway.ts"
import * as Hostile from "./hostile.ts"

const full: Size = { connections: 10_000, frames: 100_000, rounds: 5, idleMillis: 35_000 }
/** To see that it works; its figures mean nothing. */
const quick: Size = { connections: 500, frames: 4_000, rounds: 1, idleMillis: 1_000 }

const usage = `usage: pnpm bench gateway|acks|durable|api|hostile [--quick] [--json]
       pnpm bench durable [--profile ${contenderNames.join("|")}]… [--rounds 3] [--patience SECONDS] [--cpu-profiles FOLDER]
       pnpm bench hostile [--attack PART-OF-ITS-NAME]…
       pnpm bench api [--profile embedded|infra]… [--rounds 3] [--patience SECONDS] [--cpu-profiles FOLDER]
`

const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    profile: { type: "string", multiple: true, default: [] },
    attack: { type: "string", multiple: true, default: [] },
    rounds: { type: "string" },
    patience: { type: "string", default: "0" },
    "cpu-profiles": { type: "string" }
  },
  allowPositionals: true
})
const [suite] = positionals
const progress = (line: string) => process.stderr.write(`${line}\n`)
const print = <Report>(report: Report, table: (report: Report) => string) =>
  process.stdout.write(`${values.json ? JSON.stringify(report, null, 2) : table(report)}\n`)

switch (suite) {
  case "gateway":
    print(await run(values.quick ? quick : full, progress), table)
    break
  case "hostile":
    print(await Hostile.run(values.quick ? Hostile.quick : Hostile.full, progress, values.attack), Hostile.table)
    break
  case "acks":
    print(runAcks(values.quick ? 10_000 : 300_000, progress), ackTable)
    break
  case "durable": {
    const size = values.quick ? Durable.quick : Durable.full
    const rounds = values.rounds === undefined ? size.rounds : Number(values.rounds)
    const patienceMillis = Number(values.patience) * 1000
    const profiles = values["cpu-profiles"] === undefined ? {} : { profiles: values["cpu-profiles"] }
    const contenders = Durable.contendersOf(values.profile)
    print(await Durable.run({ ...size, rounds, patienceMillis, ...profiles }, contenders, progress), durableTable)
    break
  }
  case "api": {
    const size = values.quick ? Api.quick : Api.full
    const rounds = values.rounds === undefined ? size.rounds : Number(values.rounds)
    const profiles = values["cpu-profiles"] === undefined ? {} : { profiles: values["cpu-profiles"] }
    const patienceMillis = Number(values.patience) * 1000
    print(
      await Api.run({ ...size, rounds, patienceMillis, ...profiles }, Api.storesOf(values.profile), progress),
      apiTable
    )
    break
  }
  default:
    process.stderr.write(usage)
    process.exit(2)
}
