/** The wall clock of a running server is set, and the server stands still: intervals stay what they are (protocol.md section 1.3). */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { backendSettings } from "../support/Backend.ts"
import { connect, type Peer } from "../support/Peer.ts"
import { addressOf, jwtSecret, launchBare, says } from "../support/ServerProcess.ts"
import { TestServer, temporaryDirectory } from "../support/TestServer.ts"
import { chatFrame, register, request } from "../support/Users.ts"

const hour = 3_600_000
const day = 24 * hour

const settings = {
  CHAT_PORT: "0",
  CHAT_INTERNAL_PORT: "0",
  CHAT_RATE_LIMIT: "off",
  CHAT_AUTH_RATE_LIMIT: "off",
  CHAT_JWT_SECRET: jwtSecret,
  CHAT_HEARTBEAT_INTERVAL: "1 second",
  CHAT_PUSH_RETRY: "1 second",
  CHAT_EDIT_WINDOW: "1 minute"
}

/** A server whose wall clock can be set, and two users of it. */
const start = (changes: Readonly<Record<string, string>> = {}) =>
  Effect.gen(function* () {
    const CHAT_DATA_DIR = yield* temporaryDirectory
    const WALL_CLOCK_FILE = join(CHAT_DATA_DIR, "wall-clock")
    writeFileSync(WALL_CLOCK_FILE, "0")
    const server = yield* launchBare(
      { ...settings, CHAT_DATA_DIR, WALL_CLOCK_FILE, ...(yield* backendSettings), ...changes },
      { nodeArguments: ["--import", join(import.meta.dirname, "..", "support", "shiftedWallClock.ts")] }
    )
    const address = yield* addressOf(server)
    /** Sets its wall clock so many milliseconds ahead of the machine's, or back. */
    const setAhead = (millis: number) =>
      Effect.gen(function* () {
        const { length } = server.output()
        writeFileSync(WALL_CLOCK_FILE, String(millis))
        server.child.kill("SIGUSR2")
        yield* says(server, new RegExp(`the wall clock is ahead by ${millis} ms`), length)
      })
    const [ann, bob] = yield* Effect.provideService(Effect.all([register(), register()]), TestServer, address)
    return { server, address, setAhead, ann, bob }
  })

const isPush = (frame: { readonly method?: string }) => frame.method === "push"

/** Waits for so many pings of the server: a heartbeat interval each. */
const pings = (peer: Peer, count: number) =>
  Effect.callback<void>((resume) => {
    let left = count
    const seen = () => {
      left -= 1
      if (left > 0) return
      peer.socket.off("ping", seen)
      resume(Effect.void)
    }
    peer.socket.on("ping", seen)
  })

const isServed = (peer: Peer, id: string) =>
  Effect.gen(function* () {
    peer.send({ id, frameType: 1 })
    assert.deepInclude(yield* peer.answer(id), { frameType: 1 })
  })

describe("a server whose wall clock is set", () => {
  it.live("back by an hour: still finds out who is gone, repeats pushes, and says when to come back", () =>
    Effect.gen(function* () {
      const { address, setAhead, ann, bob } = yield* start({ CHAT_AUTH_RATE_LIMIT: "8/minute" })
      const annPeer = yield* connect(address.chatUrl, ann.token)
      const bobPeer = yield* connect(address.chatUrl, bob.token, { autoPong: false })
      const wrong = Effect.provideService(
        request("POST", "/v1/user/login", { body: { phone: ann.phone, password: "wrong horse" } }),
        TestServer,
        address
      )
      for (let tries = 0; tries < 4; tries++) yield* wrong
      yield* setAhead(-hour)
      let refused = yield* wrong
      for (let tries = 0; tries < 4; tries++) refused = yield* wrong
      assert.strictEqual(refused.status, 429)
      assert.isAtMost(Number(refused.headers.get("retry-after")), 60)
      annPeer.send(chatFrame("m1", bob, "are you there?"))
      const pushes = yield* bobPeer.count(isPush, 2)
      assert.deepInclude(pushes[1], { ackErrCount: 1 })
      assert.strictEqual((yield* bobPeer.closed()).code, 4000)
      yield* isServed(annPeer, "p1")
    })
  )

  it.live("forward by ten minutes: closes nobody", () =>
    Effect.gen(function* () {
      const { address, setAhead, ann, bob } = yield* start()
      const peers = [yield* connect(address.chatUrl, ann.token), yield* connect(address.chatUrl, bob.token)]
      for (const peer of peers) yield* isServed(peer, "before")
      yield* setAhead(600_000)
      yield* Effect.forEach(peers, (peer) => pings(peer, 2), { concurrency: "unbounded" })
      for (const peer of peers) yield* isServed(peer, "after")
    })
  )

  it.live("forward by thirty days and right again: times are true again, and so are the windows of edits", () =>
    Effect.gen(function* () {
      const { address, setAhead, ann, bob } = yield* start()
      const peer = yield* connect(address.chatUrl, ann.token)
      type Ack = { readonly conversationID: string; readonly seq: number; readonly sendTime: number }
      /** As every client does, again after 100009: the Kafka client takes a jump of its clock for a broker that is away. */
      const sent = (text: string, tries = 1): Effect.Effect<Ack> =>
        Effect.gen(function* () {
          const id = `${text}, try ${tries}`
          peer.send(chatFrame(id, bob, text))
          const { frameType, data } = yield* peer.answer(id)
          if (frameType === 2) return data as Ack
          assert.deepInclude(data as object, { code: 100009 })
          return yield* sent(text, tries + 1)
        })
      yield* sent("before")
      yield* setAhead(30 * day)
      const future = yield* sent("in the future")
      yield* setAhead(0)
      const present = yield* sent("present")
      assert.isAtMost(Math.abs(present.sendTime - Date.now()), 60_000)
      for (const [id, { conversationID, seq }] of [
        ["e1", future],
        ["e2", present]
      ] as const) {
        peer.send({ id, method: "message.edit", data: { conversationID, seq, content: "edited" } })
      }
      assert.deepInclude((yield* peer.answer("e1")).data as object, { code: 300012 })
      assert.deepInclude(yield* peer.answer("e2"), { frameType: 2 })
    })
  )
})

describe("a server that stood still", () => {
  it.live("keeps the clients that went on talking to it, and closes those that did not", () =>
    Effect.gen(function* () {
      const { server, address, ann, bob } = yield* start()
      const annPeer = yield* connect(address.chatUrl, ann.token)
      const bobPeer = yield* connect(address.chatUrl, bob.token, { autoPong: false })
      for (const peer of [annPeer, bobPeer]) yield* isServed(peer, "before")
      server.child.kill("SIGSTOP")
      // Longer than the heartbeat timeout of 6 s.
      for (let second = 0; second < 8; second++) {
        annPeer.socket.ping()
        yield* Effect.sleep("1 second")
      }
      server.child.kill("SIGCONT")
      assert.strictEqual((yield* bobPeer.closed()).code, 4000)
      yield* isServed(annPeer, "after")
    })
  )
})
