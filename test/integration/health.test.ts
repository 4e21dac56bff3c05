/** The operator's endpoints: liveness, readiness and counters (protocol.md section 2). */
import { assert, layer } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { hangMillis } from "../support/HangLimit.ts"
import { connect } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register, request } from "../support/Users.ts"

const metrics = Effect.flatMap(TestServer.TestServer, ({ internalUrl }) =>
  Effect.promise(async () => {
    const response = await fetch(`${internalUrl}/metrics`)
    return { type: response.headers.get("content-type"), text: await response.text() }
  })
)

layer(TestServer.layer({ CHAT_PUSH_RETRY: "10 millis", CHAT_PUSH_RETRY_COUNT: "1" }), { excludeTestServices: true })(
  "a server",
  (it) => {
    it.effect("is alive, and ready with each of its dependencies by name", () =>
      Effect.gen(function* () {
        const live = yield* request("GET", "/health/live")
        assert.deepStrictEqual([live.status, live.body], [200, { status: "ok" }])
        // A member of the group takes its time to be one.
        const ready = yield* request("GET", "/health/ready").pipe(
          Effect.repeat({ until: ({ status }) => status === 200, schedule: Schedule.spaced("50 millis") }),
          Effect.timeout(hangMillis)
        )
        assert.deepStrictEqual([ready.status, ready.body], [200, { status: "ok", store: "ok", transfer: "ok" }])
      })
    )

    it.effect("tells its counters as Prometheus text", () =>
      Effect.gen(function* () {
        const { chatUrl } = yield* TestServer.TestServer
        const [ann, bob] = yield* Effect.all([register(), register()])
        const annPeer = yield* connect(chatUrl, ann.token)
        const bobPeer = yield* connect(chatUrl, bob.token)
        annPeer.send(chatFrame("m1", bob, "hello"))
        yield* bobPeer.find(({ method }) => method === "sync.required")
        const { type, text } = yield* metrics
        assert.match(type ?? "", /^text\/plain; version=0\.0\.4/)
        assert.match(text, /^# TYPE fiberchat_ack_failures_total counter$/m)
        assert.match(text, /^fiberchat_ack_failures_total\{failure="PushRepeated"\} [1-9]\d*$/m)
      })
    )
  }
)
