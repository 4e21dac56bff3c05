/**
 * Keys in another case than the protocol's, as Go's JSON takes them and clients of the Go project send them
 * (protocol.md section 1.2).
 */
import { type Schema, SchemaAST } from "effect"

/** The keys that an object of some shape has, and the shapes of their values. */
interface Shape {
  /** By their spelling in lower case. */
  readonly keys: ReadonlyMap<string, string>
  readonly inside: ReadonlyMap<string, Shape>
}

const shapeOf = (ast: SchemaAST.AST): Shape | undefined => {
  if (!SchemaAST.isObjects(ast)) return undefined
  const properties = ast.propertySignatures.flatMap(({ name, type }) =>
    typeof name === "string" ? [{ name, shape: shapeOf(type) }] : []
  )
  return {
    keys: new Map(properties.map(({ name }) => [name.toLowerCase(), name])),
    inside: new Map(properties.flatMap(({ name, shape }) => (shape === undefined ? [] : [[name, shape]])))
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The value with the shape's spelling of each key; the same value where nothing is spelt otherwise. */
const respelt = (value: unknown, { keys, inside }: Shape): unknown => {
  if (!isObject(value)) return value
  let changed: Record<string, unknown> | undefined
  for (const key of Object.keys(value)) {
    const name = inside.has(key) || keys.get(key) === key ? key : keys.get(key.toLowerCase())
    // An exact key counts more than one in another case.
    if (name === undefined || (name !== key && Object.hasOwn(value, name))) continue
    const shape = inside.get(name)
    const within = shape === undefined ? value[key] : respelt(value[key], shape)
    if (name === key && within === value[key]) continue
    changed ??= { ...value }
    delete changed[key]
    changed[name] = within
  }
  return changed ?? value
}

/** A function that spells the keys of a JSON value as a schema does, also in objects within. Keys of records stay as they are. */
export const inCaseOf = (schema: Schema.Top): ((value: unknown) => unknown) => {
  const shape = shapeOf(SchemaAST.toEncoded(schema.ast))
  return shape === undefined ? (value) => value : (value) => respelt(value, shape)
}
