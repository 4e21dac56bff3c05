/** The OpenAPI document in the words that generators know. */
import { assert, describe, it } from "@effect/vitest"
import { openApiDocument } from "../../src/http/shared/OpenApiDocument.ts"

const same = (before: unknown, after: unknown) =>
  assert.deepStrictEqual(openApiDocument({ x: [before] }), { x: [after] })

describe("the OpenAPI document", () => {
  it("says integer for values that are whole, and int64 for those that may be large", () => {
    same({ type: "number", enum: [0, 1] }, { type: "integer", enum: [0, 1] })
    same({ type: "number", enum: [0.5] }, { type: "number", enum: [0.5] })
    same({ type: "integer", minimum: 0, maximum: 2 ** 53 - 1 }, { type: "integer", minimum: 0, format: "int64" })
    same({ type: "integer" }, { type: "integer", format: "int64" })
    same({ type: "integer", maximum: 200 }, { type: "integer", maximum: 200 })
    same({ type: "number" }, { type: "number" })
  })

  it("takes numbers in queries as numbers, and other texts as texts", () => {
    const digits = { type: "string", pattern: "^[0-9]{1,16}$" }
    same(
      { in: "query", name: "rank", schema: digits },
      { in: "query", name: "rank", schema: { type: "integer", format: "int64", minimum: 0 } }
    )
    const id = { in: "query", name: "key", schema: { type: "string", pattern: "^[1-9][0-9]{0,19}$" } }
    same(id, id)
  })

  it("has a line for each route, and the rest of what it says as its description", () => {
    same({ summary: "A line\nMore.\nStill more." }, { summary: "A line", description: "More.\nStill more." })
    same({ summary: "A line" }, { summary: "A line" })
  })

  it("says what fields and parameters mean, each where it stands", () => {
    const id = { type: "string" }
    assert.deepInclude(openApiDocument({ properties: { seq: { type: "integer", maximum: 9 } } }), {
      properties: {
        seq: {
          description: "The number of the message in its conversation: 1, 2, 3 …",
          ...{ examples: [119], type: "integer", maximum: 9 }
        }
      }
    })
    const entry = openApiDocument({ GroupRequestEntry: { properties: { userId: id, groupId: { $ref: "#/x" } } } })
    assert.deepNestedInclude(entry as object, {
      "GroupRequestEntry.properties.userId.description": "The user who is to join",
      "GroupRequestEntry.properties.groupId": { $ref: "#/x" }
    })
    // What a field says of itself counts; its own values are its examples; what nobody knows has no meaning.
    same(
      { properties: { code: { description: "x", enum: ["a"] } } },
      {
        properties: { code: { description: "x", examples: ["a"], enum: ["a"] } }
      }
    )
    same({ properties: { unheardOf: id } }, { properties: { unheardOf: id } })
    assert.deepNestedInclude(openApiDocument({ p: { in: "query", name: "ids", schema: id } }) as object, {
      "p.description": "Ids of users, separated by commas"
    })
  })

  it("has maps, is open to unknown fields, and keeps limits beside their type", () => {
    same(
      { patternProperties: { "^a$": { type: "string" } } },
      {
        propertyNames: { pattern: "^a$" },
        additionalProperties: { type: "string" }
      }
    )
    const two = { patternProperties: { a: {}, b: {} } }
    same(two, two)
    same({ additionalProperties: false, type: "object" }, { type: "object" })
    same({ additionalProperties: { type: "string" } }, { additionalProperties: { type: "string" } })
    same(
      { type: "string", allOf: [{ minLength: 1 }, { maxLength: 2 }] },
      { type: "string", minLength: 1, maxLength: 2 }
    )
    const whole = { allOf: [{ $ref: "#/a" }, { minLength: 1 }] }
    same(whole, whole)
  })

  it("has one schema for values of one type, and one for failures of one status", () => {
    same(
      {
        anyOf: [
          { type: "string", enum: ["a"] },
          { type: "string", enum: ["a", "b"] }
        ]
      },
      { type: "string", enum: ["a", "b"] }
    )
    const mixed = { anyOf: [{ type: "string", enum: ["a"] }, { type: "boolean" }] }
    same(mixed, mixed)
    const failure = (...codes: ReadonlyArray<number>) => ({
      type: "object",
      properties: { code: { type: "integer", enum: codes }, msg: { type: "string" } }
    })
    assert.deepStrictEqual(
      openApiDocument({ anyOf: [failure(100003), failure(100003, 100009)] }),
      openApiDocument(failure(100003, 100009))
    )
  })
})
