/** Values as the schemas of the protocol have them, and what a careless or hostile client makes of them. */
import { Arbitrary, Effect, Schema } from "effect"
import type { Chance } from "../harness/Chance.ts"

type Json = unknown

/** Values of one schema that are drawn in advance. */
const poolSize = 400
/** Depth to which a value is walked to the part that is changed. */
const depthMax = 6

const one = <A>(chance: Chance, values: ReadonlyArray<A>): A => values[chance.between(0, values.length - 1)] as A

/** Values that break code which does not expect them. */
const nasty = (chance: Chance): Json =>
  one(chance, [
    () => null,
    () => true,
    () => "",
    () => 0,
    () => -1,
    () => 0.5,
    () => 2 ** 53,
    () => -(2 ** 63),
    () => 1e308,
    () => [],
    () => ({}),
    () => "\ud800",
    () => "\u0000",
    () => "\u202e\u200b",
    () => "' OR 1=1 --",
    () => "9".repeat(chance.between(1, 40)),
    () => "0".repeat(chance.between(1, 40)),
    () => `${chance.between(0, 9)}_${chance.between(0, 9)}`,
    () => "é".repeat(chance.between(1, 9_000)),
    () => "😀".repeat(chance.between(1, 100)),
    () => ({ $ne: null }),
    () => JSON.parse('{"__proto__":{"x":1},"constructor":1}'),
    () => Array.from({ length: chance.between(1, 600) }, (_, index) => String(index)),
    () => Array.from({ length: chance.between(1, 60) }).reduce<Json>((inside) => [inside], 1)
  ])()

/** The value with one part of it changed. */
const mutated = (value: Json, chance: Chance, known: ReadonlyArray<string>, depth = depthMax): Json => {
  if (typeof value !== "object" || value === null || depth === 0 || chance.happens(0.15)) {
    return typeof value === "string" && chance.happens(0.5) ? one(chance, known) : nasty(chance)
  }
  if (Array.isArray(value)) {
    const at = chance.between(0, value.length)
    return [...value.slice(0, at), mutated(value[at], chance, known, depth - 1), ...value.slice(at + 1)]
  }
  const keys = Object.keys(value)
  const key = keys.length === 0 ? "x" : one(chance, keys)
  const { [key]: part, ...others } = value as Record<string, Json>
  if (chance.happens(0.1)) return others
  if (chance.happens(0.1)) return { ...others, [key.toUpperCase()]: part }
  if (chance.happens(0.05)) return { ...(value as object), [`${key}x`]: nasty(chance) }
  return { ...others, [key]: mutated(part, chance, known, depth - 1) }
}

/** The value with ids of this world where the schema has any id. */
const placed = (value: Json, chance: Chance, known: ReadonlyArray<string>): Json => {
  if (typeof value === "string") return /^[0-9_]+$/.test(value) && chance.happens(0.9) ? one(chance, known) : value
  if (Array.isArray(value)) return value.map((item) => placed(item, chance, known))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, placed(part, chance, known)]))
}

export interface Samples {
  /** One that the schema allows, or one that is a change or three away from that. `known` are ids that exist. */
  readonly next: (known: ReadonlyArray<string>, chance: Chance) => Json
}

/** Samples of a schema, as they go over the wire. The same chances draw the same samples. */
export const samplesOf = (schema: Schema.Top, drawing: Chance): Samples => {
  const codec = Schema.toType(schema as Schema.Codec<unknown>)
  const drawn = Effect.runSync(
    Arbitrary.sampleEffect(Arbitrary.schema(codec), { seed: drawing.between(0, 1e9), count: poolSize })
  )
  const encode = Schema.encodeUnknownSync(schema as Schema.Codec<unknown>)
  const pool = drawn.map((value) => encode(value))
  return {
    next: (known, chance) => {
      let value = placed(one(chance, pool), chance, known)
      const changes = chance.happens(0.4) ? 0 : chance.between(1, 3)
      for (let change = 0; change < changes; change += 1) value = mutated(value, chance, known)
      return value
    }
  }
}

/** A text with some of its characters cut, doubled or replaced. */
export const garbled = (text: string, chance: Chance): string => {
  const at = chance.between(0, text.length)
  const end = Math.min(text.length, at + chance.between(0, 8))
  return one(chance, [
    () => text.slice(0, at),
    () => text.slice(0, at) + text.slice(end),
    () => text.slice(0, end) + text.slice(at),
    () =>
      text.slice(0, at) +
      one(chance, ["{", "}", "[", '"', "\\", ",", ":", "\u0000", "\ud800", "e999"]) +
      text.slice(end),
    () => "[".repeat(chance.between(1, 30_000))
  ])()
}
