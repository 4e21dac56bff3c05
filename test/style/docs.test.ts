/** docs/protocol.md names everything that the schemas, tables and settings of the code have. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { HttpApi } from "effect/http-api"
import { withTables } from "../../scripts/docs/ProtocolTables.ts"
import { MessageType } from "../../src/domain/messages/Message.ts"
import { allMethods } from "../../src/domain/protocol/ClientMethods.ts"
import { closeCodes } from "../../src/domain/protocol/CloseCode.ts"
import { FrameType, ServerFrame } from "../../src/domain/protocol/Frame.ts"
import { Api } from "../../src/http/api/Api.ts"
import { ServiceRpcs } from "../../src/http/rpc/ServiceRpc.ts"
import { Message, SyncedConversation } from "../support/WireShapes.ts"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")
const page = read("docs/protocol.md")

const named = (pattern: RegExp, text: string) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name ?? ""))]

describe("docs/protocol.md", () => {
  it("has the tables of methods, events and errors as the code has them", () => {
    assert.strictEqual(page, withTables(page), "run pnpm docs:tables")
  })

  it("has every close code with its reason", () => {
    for (const { code, reason } of Object.values(closeCodes))
      assert.match(page, new RegExp(`^\\| ${code} \\| \`${reason}`, "m"))
  })

  it("has every HTTP route, and no other", () => {
    const routes: Array<string> = []
    HttpApi.reflect(Api, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => routes.push(`${endpoint.method} ${endpoint.path}`)
    })
    assert.sameMembers(named(/^\| `((?:GET|POST|PUT|PATCH|DELETE) \/[^`]*)`/gm, page), routes)
  })

  it("says of every method what it does", () => {
    const section = page.slice(page.indexOf("### 1.6"), page.indexOf("### 1.7"))
    assert.sameMembers(
      named(/^- `([a-zA-Z.]+)`/gm, section),
      allMethods.map(({ name }) => name)
    )
  })

  it("has every RPC", () => {
    for (const name of ServiceRpcs.requests.keys()) assert.include(page, `\`${name}\``)
  })

  it("has every variable of the configuration, and no other", () => {
    const variables = named(/"(CHAT_[A-Z_]+)"/g, read("src/layers/settings/Settings.ts"))
    assert.sameMembers(named(/(CHAT_[A-Z_]+)/g, page), variables)
  })

  it("has every field of frames and messages, and every number", () => {
    for (const field of [ServerFrame, Message, SyncedConversation].flatMap((schema) => Object.keys(schema.fields))) {
      assert.match(page, new RegExp(`\\b${field}\\b`))
    }
    for (const [name, number] of Object.entries({ ...FrameType, ...MessageType }))
      assert.include(page, `${number} ${name}`)
  })
})
