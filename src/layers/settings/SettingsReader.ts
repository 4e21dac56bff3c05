/** Reads variables of the configuration one by one, and collects every problem instead of stopping at the first. */
import { Config, Duration, Effect, Option } from "effect"

/** So many operations per window. */
export interface RateLimit {
  readonly count: number
  readonly windowMillis: number
}

const unitMillis: Record<string, number> = { second: 1_000, minute: 60_000, hour: 3_600_000 }

const parseRate = (text: string): RateLimit | undefined => {
  const match = /^([1-9][0-9]{0,6})\/(second|minute|hour)$/.exec(text)
  return match === null ? undefined : { count: Number(match[1]), windowMillis: unitMillis[match[2] ?? ""] ?? 0 }
}

/** `0` needs no unit: it switches a clock off. */
const durationOrZero = (name: string) =>
  Config.orElse(
    Config.map(Config.Literal("0", name), () => Duration.zero),
    () => Config.Duration(name)
  )

/** The items of a comma-separated list. */
export const list = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

/** Reads variables. A bad value adds a line to `problems`, and the default is returned in its place. */
export const fieldReader = () => {
  const problems: Array<string> = []
  const refuse = (name: string, problem: string): void => {
    problems.push(`${name}: ${problem}`)
  }
  const read = <A>(name: string, config: Config.Config<A>, fallback: A): Effect.Effect<A> =>
    Effect.map(Effect.result(Config.option(config)), (result) => {
      if (result._tag === "Success") return Option.getOrElse(result.success, () => fallback)
      refuse(name, result.failure.message.replace(/\s*\n\s*/g, " "))
      return fallback
    })
  return {
    problems,
    refuse,
    read,
    text: (name: string, fallback: string) => read(name, Config.NonEmptyString(name), fallback),
    /** A list separated by commas. */
    items: (name: string, fallback: ReadonlyArray<string>) =>
      read(name, Config.map(Config.NonEmptyString(name), list), fallback),
    oneOf: <const A extends ReadonlyArray<string>>(name: string, values: A, fallback: A[number]) =>
      read<A[number]>(name, Config.Literals(values, name), fallback),
    flag: (name: string, fallback: boolean) =>
      Effect.map(
        read(name, Config.Literals(["true", "false"], name), fallback ? "true" : "false"),
        (value) => value === "true"
      ),
    between: (name: string, minimum: number, maximum: number, fallback: number) =>
      Effect.map(read(name, Config.Int(name), fallback), (value) => {
        if (value < minimum || value > maximum) refuse(name, `expected ${minimum} to ${maximum}, got ${value}`)
        return value
      }),
    /** A duration in milliseconds. */
    millis: (name: string, fallback: Duration.Input, minimum: number) =>
      Effect.map(read(name, durationOrZero(name), Duration.fromInputUnsafe(fallback)), (duration) => {
        const value = Duration.toMillis(duration)
        if (!Number.isFinite(value) || value < minimum) refuse(name, `expected at least ${minimum} milliseconds`)
        return value
      }),
    /** A rate; `undefined` when it is switched off. */
    rate: (name: string, fallback: string) =>
      Effect.map(read(name, Config.NonEmptyString(name), fallback), (value) => {
        if (value === "off") return undefined
        const limit = parseRate(value)
        if (limit === undefined) refuse(name, `expected "off" or a rate such as "50/second", got "${value}"`)
        return limit
      })
  }
}

export type FieldReader = ReturnType<typeof fieldReader>
