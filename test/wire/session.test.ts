/** The opening of a connection, its frames that are no messages, and its clocks (protocol.md sections 1.1 to 1.3). */
import { describe, expect, it } from "vitest"
import { affordable, untilHeartbeatTimeout } from "./support/Clocks.ts"
import { chat, freshId, isErr, request, type } from "./support/Frames.ts"
import { chatUrl, freshDevice, Peer, refused } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"

const [ann, bob] = [user("ann"), user("bob")]
const times = ["heartbeatInterval", "idleTimeout", "maxLifetime", "ackTimeout", "ackRetry", "pushRetry"] as const
const limits = ["pushRetryCount", "pushWindow", "requestWindow", "rateLimit", "rateWindow"] as const

describe("session.ready", () => {
  for (const ack of ["none", "once", "rigor"] as const) {
    it(`is the server's first frame and tells who, where, ack=${ack} and the clocks`, async () => {
      const peer = await Peer.open(ann, { ack })
      const { ready } = peer
      expect(ready).toMatchObject({ userId: ann.id, deviceId: peer.device, ack })
      expect(ready.connectionId).toMatch(/./)
      for (const name of times) expect(ready[name], name).toSatisfy(isTime)
      for (const name of limits) expect(ready[name], name).toSatisfy(isTime)
      expect(Object.keys(ready).toSorted()).toEqual(
        ["userId", "deviceId", "connectionId", "store", "ack", ...times, ...limits, "serverTime"].toSorted()
      )
    })
  }

  it("has one of the three modes where the client names none, and another id for each connection", async () => {
    const [first, second] = [await Peer.open(ann), await Peer.open(ann)]
    expect(["none", "once", "rigor"]).toContain(first.ready.ack)
    expect(second.ready.ack).toBe(first.ready.ack)
    expect(second.ready.connectionId).not.toBe(first.ready.connectionId)
  })
})

describe("a bad query parameter", () => {
  const queries: Record<string, Record<string, string>> = {
    "ack=always": { ack: "always" },
    "ack with nothing in it": { ack: "" },
    "ack in capitals": { ack: "RIGOR" },
    "deviceId with a space": { deviceId: "my phone" },
    "deviceId of 65 letters": { deviceId: "d".repeat(65) },
    "platform of 33 letters": { platform: "p".repeat(33) }
  }
  for (const [what, query] of Object.entries(queries)) {
    it(`is refused with 400 and 100002 before the upgrade: ${what}`, async () => {
      const { status, body } = await refused(chatUrl(query), ann)
      expect(status).toBe(400)
      expect(body).toMatchObject({ code: 100002, data: null })
    })
  }

  it("does not matter without a good token: 401 and 100004", async () => {
    const { status, body } = await refused(chatUrl({}), { ...ann, token: "not.a.token" })
    expect(status).toBe(401)
    expect(body).toMatchObject({ code: 100004, data: null })
  })
})

describe("the token", () => {
  it("may come bare, or as a subprotocol beside fiberchat.v1, which the server answers", async () => {
    const bare = await Peer.open(ann, { socket: { headers: { authorization: ann.token } } })
    expect(bare.ready.userId).toBe(ann.id)
    const protocols = ["fiberchat.v1", `bearer.${ann.token}`]
    const browser = await Peer.open(ann, { protocols, socket: { headers: {} } })
    expect(browser.ready.userId).toBe(ann.id)
    expect(browser.socket.protocol).toBe("fiberchat.v1")
  })

  it("is never taken from the query string", async () => {
    const { status, body } = await refused(chatUrl({ token: ann.token, authorization: ann.token }), undefined)
    expect(status).toBe(401)
    expect(body).toMatchObject({ code: 100004 })
  })
})

describe("a frame", () => {
  it("of type ping is answered with a ping frame of the same id, in every mode", async () => {
    for (const ack of ["none", "once", "rigor"] as const) {
      const peer = await Peer.open(ann, { ack })
      const id = freshId("ping")
      await peer.send({ id, frameType: type.ping })
      expect(await peer.find("the answer", (frame) => frame.id === id)).toMatchObject({ frameType: type.ping })
    }
  })

  it("that is none gets an err frame with 100002 and the id, as far as it can be read; the connection lives", async () => {
    const peer = await Peer.open(ann)
    const bad: ReadonlyArray<readonly [id: string, text: string]> = [
      ["", "not JSON"],
      ["", "[]"],
      ["t", JSON.stringify({ id: "t", frameType: "data" })],
      ["m", JSON.stringify({ id: "m", method: 5 })],
      ["a", JSON.stringify({ id: "a", method: "user.online", ackSeq: 0.5 })]
    ]
    for (const [id, text] of bad) {
      const from = peer.frames.length
      await peer.send(text)
      const err = await peer.find(`an err frame for ${text}`, isErr(id), from)
      expect(err.data).toMatchObject({ code: 100002, msg: expect.any(String) })
    }
    await peer.barrier()
  })

  it("in binary gets an err frame, and the tenth of such within 10 s closes the connection with 1008", async () => {
    const peer = await Peer.open(ann)
    for (let number = 1; number < 10; number++) {
      peer.socket.send(Buffer.from(JSON.stringify(request("user.online"))), { binary: true })
      const errs = await peer.count("err frames", isErr(""), number)
      expect(errs.at(-1)?.data).toMatchObject({ code: 100002 })
    }
    await peer.send("not JSON")
    expect(await peer.closed()).toEqual({ code: 1008, reason: "protocol-abuse" })
  })

  it("of bytes that are not UTF-8 closes the connection with 1007", async () => {
    const peer = await Peer.open(bob)
    peer.socket.send(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { binary: false })
    expect((await peer.closed()).code).toBe(1007)
  })

  it("with an unknown method gets an err frame (100006) in every mode, and fields of one's own are ignored", async () => {
    for (const ack of ["none", "once", "rigor"] as const) {
      const peer = await Peer.open(ann, { ack })
      const err = await peer.settle({ ...request("no.such"), color: "blue" } as ReturnType<typeof request>)
      expect(err).toMatchObject({ frameType: type.err, data: { code: 100006, method: "no.such" } })
      const answer = await peer.settle({ ...request("user.online"), color: "blue" } as ReturnType<typeof request>)
      expect(answer).toMatchObject({ frameType: type.data, method: "user.online" })
    }
  })
})

describe("presence", () => {
  it("names contacts, from the day that messages have gone both ways, while they are connected", async () => {
    const [annPeer, bobPeer] = [await Peer.open(ann), await Peer.open(bob)]
    await bobPeer.settle(chat(freshId("hello"), ann, "hello?"))
    await annPeer.settle(chat(freshId("hello"), bob, "hello!"))
    expect(await annPeer.ask("user.online")).toEqual([bob.id])
    await bobPeer.cut()
    await isOffline(annPeer)
    await Peer.open(bob)
    expect(await annPeer.ask("user.online")).toEqual([bob.id])
  })

  it("ends, and the connection closes with 4000, one heartbeat timeout after the last sign of life", async ({
    skip
  }) => {
    const annPeer = await Peer.open(ann)
    const silent = await Peer.open(bob, { socket: { autoPong: false } })
    const from = performance.now()
    const timeout = untilHeartbeatTimeout(silent.ready)
    affordable(skip, "CHAT_HEARTBEAT_INTERVAL", silent.ready.heartbeatInterval, timeout)
    expect(await silent.closed(timeout + 10_000)).toEqual({ code: 4000, reason: "heartbeat-timeout" })
    expect(performance.now() - from).toBeGreaterThan(timeout - 1_000)
    await isOffline(annPeer)
    expect(annPeer.socket.readyState).toBe(annPeer.socket.OPEN)
  })

  it("goes on, without any pong, for one who says something before each timeout", async ({ skip }) => {
    const talker = await Peer.open(bob, { socket: { autoPong: false } })
    const { heartbeatInterval } = talker.ready
    const timeout = untilHeartbeatTimeout(talker.ready)
    affordable(skip, "CHAT_HEARTBEAT_INTERVAL", heartbeatInterval, timeout * 1.3)
    const end = performance.now() + timeout * 1.3
    while (performance.now() < end) {
      const seen = talker.pings
      await talker.barrier()
      await talker.until("a WebSocket ping", () => (talker.pings > seen ? true : undefined), heartbeatInterval + 10_000)
    }
    await talker.barrier()
  })
})

describe("a device", () => {
  it("that comes back takes the place of its connection before, which closes with 4003", async ({ skip }) => {
    const device = freshDevice()
    const first = await Peer.open(ann, { device })
    const other = await Peer.open(ann)
    const second = await Peer.open(ann, { device })
    skip(first.ready.deviceId !== device, "CHAT_LOGIN_POLICY knows no devices")
    expect((await first.closed()).code).toBe(4003)
    await second.barrier()
    await other.barrier()
  })
})

function isTime(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0
}

/** Asks until nobody is online: the server hears of the end of a socket a moment after the client. */
async function isOffline(peer: Peer): Promise<void> {
  await expect.poll(() => peer.ask("user.online"), { timeout: 10_000, interval: 200 }).toEqual([])
}
