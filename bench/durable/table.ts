/** The report of `pnpm bench durable` as Markdown: a table of every load, and one of what the targets ask for. */
import type { Report, Round, Row, Taken } from "../durable.ts"
import { median } from "../measure.ts"

type Cells = ReadonlyArray<string>

export const markdown = (head: Cells, rows: ReadonlyArray<Cells>): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const medianOf = <A>(items: ReadonlyArray<A>, value: (item: A) => number): number => median(items.map(value))

const latency = (taken: ReadonlyArray<Taken>, of: "ack" | "push"): string =>
  `${medianOf(taken, (one) => one[of].p50Millis).toFixed(1)} / ${medianOf(taken, (one) => one[of].p99Millis).toFixed(1)}`

/** Microseconds per message of the parts that have these names, together. */
const micros = (taken: ReadonlyArray<Taken>, names: Cells): string => {
  const own = taken.filter(({ cpu }) => names.some((name) => name in cpu.parts))
  if (own.length === 0) return "–"
  return medianOf(
    own,
    ({ cpu, messages }) => names.reduce((sum, name) => sum + (cpu.parts[name] ?? 0), 0) / messages
  ).toFixed(1)
}

const costs = (taken: ReadonlyArray<Taken>): Cells => [
  micros(taken, ["server", "gateway", "worker"]),
  micros(taken, ["MariaDB"]),
  micros(taken, ["Kafka"]),
  micros(taken, ["generator"]),
  medianOf(taken, ({ cpu }) => cpu.others).toFixed(2)
]

const costHead = [
  "server CPU per message, µs",
  "MariaDB, µs",
  "Kafka, µs",
  "generator, µs",
  "processors used by others"
]

const perSecond = (taken: ReadonlyArray<Taken>): string => {
  const values = taken.map((one) => one.perSecond)
  return `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}–${Math.max(...values).toFixed(0)})`
}

const floods = (report: Report): string =>
  markdown(
    [
      "profile",
      "under way per pair",
      "messages per second: median (min–max)",
      "send → ack, ms: p50 / p99",
      "send → push, ms: p50 / p99",
      ...costHead
    ],
    report.flatMap(({ title, rounds }) =>
      (rounds[0]?.flooded ?? []).map(({ window }, index) => {
        const taken = rounds.flatMap(({ flooded }) => flooded.slice(index, index + 1))
        return [title, String(window), perSecond(taken), latency(taken, "ack"), latency(taken, "push"), ...costs(taken)]
      })
    )
  )

const best = ({ flooded }: Round): number => Math.max(...flooded.map((one) => one.perSecond))

/** How a row's best compares with that of another, round by round. */
const ratio = ({ rounds }: Row, other: Row | undefined): string =>
  median(rounds.map((round, index) => best(round) / best(other?.rounds[index] ?? round))).toFixed(2)

const summary = (report: Report): string => {
  const named = (name: string) => report.find((row) => row.name === name)
  return markdown(
    [
      "profile",
      "most messages per second",
      "× store in memory",
      "× bare ws",
      "paced at, per second",
      "send → ack, ms: p50 / p99",
      "send → push, ms: p50 / p99",
      ...costHead,
      "verified"
    ],
    report.map((row) => {
      const paced = row.rounds.map((round) => round.paced)
      return [
        row.title,
        medianOf(row.rounds, best).toFixed(0),
        ratio(row, named("memory")),
        ratio(row, named("relay")),
        medianOf(paced, ({ wantedPerSecond }) => wantedPerSecond).toFixed(0),
        latency(paced, "ack"),
        latency(paced, "push"),
        ...costs(paced),
        row.isDurable ? String(row.verified) : "–"
      ]
    })
  )
}

export const durableTable = (report: Report): string =>
  `At half of the most that each carries, paced:\n\n${summary(report)}\n\nAs fast as it goes:\n\n${floods(report)}`
