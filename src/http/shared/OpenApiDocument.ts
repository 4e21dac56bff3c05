/** The OpenAPI document, in the words that generators of clients know: Effect's is right, but says some things unusually. */

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

const steps = [openToFields, withIntegers, withMaps, withLimits]

/** The document with these changes, in every part of it. */
export const openApiDocument = (document: Json): Json => {
  if (Array.isArray(document)) return document.map(openApiDocument)
  if (!isPart(document)) return document
  const inside = Object.fromEntries(Object.entries(document).map(([key, value]) => [key, openApiDocument(value)]))
  return steps.reduce((part, step) => step(part), inside as Part)
}
