import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { connect } from "../support/Peer.ts"
import * as TestServer from "../support/TestServer.ts"
import { chatFrame, register } from "../support/Users.ts"

const isPush = (frame: { method?: string }) => frame.method === "push"

layer(TestServer.layer(), { excludeTestServices: true })("private chat", (it) => {
  it.effect("acks a message once it is stored and pushes it to every other device of both parties", () =>
    Effect.gen(function* () {
      const { chatUrl } = yield* TestServer.TestServer
      const [ann, bob] = yield* Effect.all([register(), register()])
      const sender = yield* connect(`${chatUrl}?deviceId=phone`, ann.token)
      const ownOther = yield* connect(`${chatUrl}?deviceId=laptop`, ann.token)
      const receiver = yield* connect(chatUrl, bob.token)

      sender.send(chatFrame("m1", bob, "héllo 你好 🎉"))
      const ack = yield* sender.answer("m1")
      assert.strictEqual(ack.frameType, 2)
      assert.strictEqual(ack.ackSeq, 1)
      for (const peer of [ownOther, receiver]) {
        const push = yield* peer.find(isPush)
        assert.deepInclude(push.data, { clientId: "m1", seq: 1, sendId: ann.id, content: "héllo 你好 🎉" })
      }
      assert.isFalse(sender.frames.some(isPush))
    })
  )
})
