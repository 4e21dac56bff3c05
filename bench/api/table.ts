/** The report of `pnpm bench api` as Markdown: each target and what became of it. */
import type { Report, Row, Target } from "../api.ts"
import { markdown } from "../durable/table.ts"
import { median } from "../measure.ts"
import type { Measured } from "./Measured.ts"

/** The median of the rounds, and what they lie between. */
const spread = (values: ReadonlyArray<number>): string =>
  `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)}–${Math.max(...values).toFixed(1)})`

/** CPU of the parts that have these names, where any of them is a process of this machine. */
const cpuSpread = (rounds: ReadonlyArray<Measured>, names: ReadonlyArray<string>): string =>
  rounds.some(({ cpu }) => names.some((name) => name in cpu.parts))
    ? spread(rounds.map((measured) => cpuMillis(measured, names)))
    : "–"

const cpuMillis = ({ cpu, times }: Measured, names: ReadonlyArray<string>): number =>
  names.reduce((sum, name) => sum + (cpu.parts[name] ?? 0), 0) / times / 1000

/** The figure that a row's target is about, in milliseconds. */
const judged = (target: Target, measured: Measured): number =>
  target.of === "p99" ? measured.p99Millis : cpuMillis(measured, ["server"])

const cells = (title: string, { what, target, rounds }: Row): ReadonlyArray<string> => [
  title,
  what,
  String(rounds[0]?.times ?? 0),
  spread(rounds.map(({ p50Millis }) => p50Millis)),
  spread(rounds.map(({ p99Millis }) => p99Millis)),
  cpuSpread(rounds, ["server"]),
  cpuSpread(rounds, ["MariaDB", "Kafka"]),
  cpuSpread(rounds, ["generator"]),
  median(rounds.map(({ cpu }) => cpu.others)).toFixed(2),
  ...verdict(target, rounds)
]

const verdict = (target: Target | undefined, rounds: ReadonlyArray<Measured>): ReadonlyArray<string> => {
  if (target === undefined) return ["–", "–"]
  const result = median(rounds.map((measured) => judged(target, measured)))
  return [
    `${target.of === "p99" ? "p99" : "server CPU"} ≤ ${target.millis} ms`,
    `${result.toFixed(1)} ms${result <= target.millis ? "" : ": missed"}`
  ]
}

export const apiTable = (report: Report): string =>
  markdown(
    [
      "store",
      "what",
      "times per round",
      "p50, ms: median of rounds (min–max)",
      "p99, ms",
      "server CPU each, ms",
      "database and broker CPU, ms",
      "generator CPU, ms",
      "processors used by others",
      "target",
      "here"
    ],
    report.flatMap(({ title, rows }) => rows.map((row) => cells(title, row)))
  )
