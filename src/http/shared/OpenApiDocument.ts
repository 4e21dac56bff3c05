/** The OpenAPI document, in the words that generators of clients know: Effect's is right, but says some things unusually. */

import { meaningOf, meaningOfParameter } from "./Glossary.ts"

type Json = unknown
type Part = Readonly<Record<string, Json>>

/** The largest value of a 32-bit integer: generators take `integer` for one unless they are told otherwise. */
const int32Max = 2 ** 31 - 1

const isPart = (value: Json): value is Part => typeof value === "object" && value !== null && !Array.isArray(value)

/** Unknown fields are ignored (section 2.1 of protocol.md): the claim that they are refused is wrong. */
const openToFields = ({ additionalProperties, ...part }: Part): Part =>
  additionalProperties === undefined || additionalProperties === false ? part : { ...part, additionalProperties }

/** Numbers that are whole are `integer`, and those that may be large, such as times, `int64`. */
const withIntegers = (part: Part): Part => {
  const values = part["enum"]
  const isWhole =
    part["type"] === "integer" ||
    (part["type"] === "number" && Array.isArray(values) && values.every((value) => Number.isInteger(value)))
  if (!isWhole) return part
  const { maximum, ...others } = part
  if (Array.isArray(values)) return { ...part, type: "integer" }
  if (typeof maximum === "number" && maximum <= int32Max) return part
  return { ...others, type: "integer", format: "int64" }
}

/** A record is a map: `additionalProperties` instead of one pattern for all keys. */
const withMaps = ({ patternProperties, ...part }: Part): Part => {
  if (!isPart(patternProperties)) return part
  const [[pattern, additionalProperties] = [], ...more] = Object.entries(patternProperties)
  if (pattern === undefined || more.length > 0) return { ...part, patternProperties }
  return { ...part, propertyNames: { pattern }, additionalProperties }
}

/** Limits that stand beside each other in `allOf` belong to the schema around them. */
const withLimits = (part: Part): Part => {
  const { allOf, ...others } = part
  if (!Array.isArray(allOf) || !allOf.every((limit) => isPart(limit) && !("$ref" in limit) && !("type" in limit)))
    return part
  return Object.assign({}, ...allOf, others) as Part
}

/** Numbers in queries are texts on their way. */
const withQueryNumbers = (part: Part): Part => {
  const { in: place, schema } = part
  if (place !== "query" || !isPart(schema) || schema["pattern"] !== digits) return part
  return { ...part, schema: { type: "integer", format: "int64", minimum: 0 } }
}
const digits = "^[0-9]{1,16}$"

/** The first line of a summary is the summary, the rest the description (`about` in `Envelope.ts`). */
const withDescription = (part: Part): Part => {
  const { summary } = part
  if (typeof summary !== "string" || !summary.includes("\n")) return part
  const [first, ...rest] = summary.split("\n")
  return { ...part, summary: first, description: rest.join("\n") }
}

const codesOf = (part: Json): ReadonlyArray<Json> | undefined => {
  const code = isPart(part) && isPart(part["properties"]) ? part["properties"]["code"] : undefined
  return isPart(code) && Array.isArray(code["enum"]) ? code["enum"] : undefined
}

/** One schema instead of several of the same kind: values of one type, or failures with different codes. */
const withoutTwins = (part: Part): Part => {
  const { anyOf, ...others } = part
  if (!Array.isArray(anyOf)) return part
  const [first] = anyOf as ReadonlyArray<Part>
  if (first === undefined) return part
  if (anyOf.every((one) => isPart(one) && Array.isArray(one["enum"]) && one["type"] === first["type"])) {
    return { ...others, ...first, enum: [...new Set(anyOf.flatMap((one) => one["enum"]))] }
  }
  const codes = anyOf.map(codesOf)
  if (codes.includes(undefined)) return part
  const properties = first["properties"] as Part
  const code = { ...(properties["code"] as Part), enum: [...new Set(codes.flat())] }
  return { ...others, ...first, properties: { ...properties, code } }
}

const steps = [withDescription, openToFields, withIntegers, withMaps, withLimits, withQueryNumbers, withoutTwins]

/** A schema with what its field means, unless it says so itself or stands elsewhere. */
const meaning = (schema: Part, word: ReturnType<typeof meaningOf>): Part => {
  if (word === undefined || "$ref" in schema) return schema
  const [description, example] = word
  const values = schema["enum"]
  // Here the field may have fewer values than elsewhere.
  const possible = Array.isArray(values) && !values.includes(example) ? values[0] : example
  return { description, ...(isEmpty(possible) ? {} : { examples: [possible] }), ...schema }
}

const isEmpty = (example: Json): boolean =>
  example === null || (typeof example === "object" && Object.keys(example as object).length === 0)

/** The fields of an object have their meanings; `name` is that of its schema. */
const withMeanings = (part: Part, name: string): Part => {
  const { properties, ...others } = part
  if (isPart(properties)) {
    const fields = Object.entries(properties).map(([field, schema]) => [
      field,
      isPart(schema) ? meaning(schema, meaningOf(field, name)) : schema
    ])
    return { ...others, properties: Object.fromEntries(fields) }
  }
  const { in: place, name: parameter, schema } = part
  const word = place === "query" && typeof parameter === "string" ? meaningOfParameter(parameter) : undefined
  if (word === undefined || !isPart(schema)) return part
  const [description, example] = word
  return { description, example, ...part }
}

/** The document with these changes, in every part of it; `name` is that of the part. */
export const openApiDocument = (document: Json, name = ""): Json => {
  if (Array.isArray(document)) return document.map((part) => openApiDocument(part))
  if (!isPart(document)) return document
  const inside = Object.fromEntries(Object.entries(document).map(([key, value]) => [key, openApiDocument(value, key)]))
  return withMeanings(
    steps.reduce((part, step) => step(part), inside as Part),
    name
  )
}
