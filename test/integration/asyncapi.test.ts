/** The AsyncAPI document of the chat socket, checked by AsyncAPI's own parser. */
import { type OperationInterface, Parser } from "@asyncapi/parser"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { allMethods } from "../../src/domain/protocol/ClientMethods.ts"
import { events } from "../../src/domain/protocol/ServerEvents.ts"
import * as TestServer from "../support/TestServer.ts"

layer(TestServer.layer(), { excludeTestServices: true })("the AsyncAPI document", (it) => {
  it.effect("is served, is valid, and has every method with its responses, and every event", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer.TestServer
      const response = yield* Effect.promise(() => fetch(`${url}/docs/asyncapi.json`))
      assert.strictEqual(response.status, 200)
      const text = yield* Effect.promise(() => response.text())
      const { document, diagnostics } = yield* Effect.promise(() => new Parser().parse(text))
      // Severity 0 is an error, 1 a warning.
      const problems = diagnostics.filter(({ severity }) => severity === 0)
      assert.deepStrictEqual(
        problems.map(({ message, path }) => `${path.join("/")}: ${message}`),
        []
      )
      assert.isDefined(document)
      interface Titled {
        readonly hasTitle: () => boolean
        readonly title: () => string | undefined
      }
      const operations = (document?.allOperations().all() ?? []) as unknown as ReadonlyArray<
        OperationInterface & Titled
      >
      const titles = (action: "receive" | "send") =>
        operations.filter((one) => one.action() === action && one.hasTitle()).map((one) => one.title())
      assert.sameMembers(
        titles("receive"),
        allMethods.map(({ name }) => name)
      )
      assert.sameMembers(
        titles("send"),
        Object.values(events).map(({ name }) => name)
      )
      for (const { name, kind } of allMethods) {
        const replies =
          operations
            .find((one) => one.title() === name)
            ?.reply()
            ?.messages()
            .all() ?? []
        assert.lengthOf(replies, kind === "signal" ? 1 : 2, name)
      }
      const push = document
        ?.allMessages()
        .all()
        .find((one) => one.name() === "event.push")
      const fields = push?.payload()?.property("data")?.properties() ?? {}
      assert.includeMembers(Object.keys(fields), ["messageId", "conversationID", "sendId", "seq"])
    })
  )
})
