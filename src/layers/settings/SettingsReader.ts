/** Reads variables of the configuration one by one, and collects every problem instead of stopping at the first. */
import { Config, ConfigProvider, Duration, Effect, Option, Redacted } from "effect"

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
const parseDuration = (text: string): Option.Option<Duration.Duration> =>
  text === "0" ? Option.some(Duration.zero) : Duration.fromInput(text as Duration.Input)

/** The items of a comma-separated list. */
export const list = (text: string): ReadonlyArray<string> => text.split(",").flatMap((item) => item.trim() || [])

/** How a variable is written: the value of a text, or nothing where the text does not fit. */
interface Format<A> {
  readonly parse: (text: string) => Option.Option<A>
  /** For the operator: "expected …". */
  readonly expected: string
}

const oneOfThese = (values: ReadonlyArray<string>): string =>
  values.length === 1 ? `${values[0]}` : `${values.slice(0, -1).join(", ")} or ${values.at(-1)}`

/** Reads variables. One that is empty counts as not set. A bad value adds a line to `problems`, and the default is returned in its place. */
export const fieldReader = () => {
  const problems: Array<string> = []
  const known = new Set<string>()
  const refuse = (name: string, problem: string): void => {
    problems.push(`${name}: ${problem}`)
  }
  const raw = (name: string): Effect.Effect<string | undefined> => {
    known.add(name)
    return Effect.map(Effect.orDie(Config.option(Config.String(name))), Option.getOrUndefined)
  }
  const read = <A>(name: string, { parse, expected }: Format<A>, fallback: A): Effect.Effect<A> =>
    Effect.map(raw(name), (text) => {
      if (text === undefined) return fallback
      return Option.getOrElse(parse(text), () => {
        refuse(name, `expected ${expected}, got "${text}"`)
        return fallback
      })
    })
  return {
    problems,
    /** The names of the variables that were read, set or not. */
    known,
    refuse,
    text: (name: string, fallback: string) => Effect.map(raw(name), (text) => text ?? fallback),
    /** A value that must not be repeated in a message. */
    secret: (name: string): Effect.Effect<Redacted.Redacted | undefined> =>
      Effect.map(raw(name), (text) => (text === undefined ? undefined : Redacted.make(text))),
    /** A list separated by commas. */
    items: (name: string, fallback: ReadonlyArray<string>) =>
      Effect.map(raw(name), (text) => (text === undefined ? fallback : list(text))),
    oneOf: <const A extends ReadonlyArray<string>>(name: string, values: A, fallback: A[number]) =>
      read<A[number]>(
        name,
        { parse: Option.liftPredicate((text) => values.includes(text)), expected: oneOfThese(values) },
        fallback
      ),
    flag: (name: string, fallback: boolean) =>
      read(
        name,
        {
          parse: (text) => (text === "true" || text === "false" ? Option.some(text === "true") : Option.none()),
          expected: "true or false"
        },
        fallback
      ),
    between: (name: string, minimum: number, maximum: number, fallback: number) =>
      read(
        name,
        {
          parse: (text) =>
            Option.filter(
              /^[0-9]+$/.test(text) ? Option.some(Number(text)) : Option.none(),
              (value) => value >= minimum && value <= maximum
            ),
          expected: `a whole number from ${minimum} to ${maximum}`
        },
        fallback
      ),
    /** A duration in milliseconds. */
    millis: (name: string, fallback: Duration.Input, minimum: number) =>
      read(
        name,
        {
          parse: (text) =>
            Option.filter(
              Option.map(parseDuration(text), Duration.toMillis),
              (millis) => Number.isFinite(millis) && millis >= minimum
            ),
          expected: `a duration such as "30 seconds"${minimum > 0 ? ` of at least ${minimum} ms` : ", or 0 for none"}`
        },
        Duration.toMillis(Duration.fromInputUnsafe(fallback))
      ),
    /** A rate; `undefined` when it is switched off. */
    rate: (name: string, fallback: string) =>
      read<RateLimit | undefined>(
        name,
        {
          parse: (text) => (text === "off" ? Option.some(undefined) : Option.fromUndefinedOr(parseRate(text))),
          expected: '"off" or a rate such as "50/second"'
        },
        parseRate(fallback)
      )
  }
}

/** The names of all variables below a path, of which providers know the parts. */
const namesBelow = (
  provider: ConfigProvider.ConfigProvider,
  path: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>, ConfigProvider.SourceError> =>
  Effect.flatMap(provider.load([...path]), (node) => {
    if (node === undefined) return Effect.succeed([])
    const own = node.value === undefined ? [] : [path.join("_")]
    if (node._tag !== "Record") return Effect.succeed(own)
    return Effect.map(
      Effect.forEach(node.keys, (key) => namesBelow(provider, [...path, key])),
      (below) => [...own, ...below.flat()]
    )
  })

/** Variables that are set and begin like settings of this server, but are none: probably misspelt. */
export const unknownNames = (known: ReadonlySet<string>): Effect.Effect<ReadonlyArray<string>> =>
  ConfigProvider.ConfigProvider.pipe(
    Effect.flatMap((provider) => namesBelow(provider, ["CHAT"])),
    Effect.orDie,
    Effect.map((names) => names.filter((name) => !known.has(name)))
  )

export type FieldReader = ReturnType<typeof fieldReader>
