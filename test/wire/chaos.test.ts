/** Random exchanges over connections that break: (sender, id) is one message in the end (protocol.md section 4). */
import { randomInt } from "node:crypto"
import { describe, expect, it } from "vitest"
import { chat, confirmation, conversationOf, type Frame, freshId, range, request, type } from "./support/Frames.ts"
import { storedAs } from "./support/History.ts"
import { type AckMode, freshDevice, Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"

const [gina, dora] = [user("gina"), user("dora")]
const conversationID = conversationOf(gina, dora)
const stepCount = 150

/** Numbers that look random, the same for the same seed (mulberry32). */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const modes: ReadonlyArray<AckMode> = ["rigor", "rigor", "once", "none"]

describe("two devices that send, send again, confirm and lose their connections at random", () => {
  for (const round of [1, 2, 3]) {
    it(`have one message per id in the end, and one result of it (round ${round})`, async () => {
      const seed = randomInt(2 ** 31)
      const random = randomOf(seed)
      const pick = <A>(items: ReadonlyArray<A>): A => items[random(items.length)]!
      const ids = range(1, 12).map((number) => freshId(`chaos-${number}`))
      const devices = [freshDevice(), freshDevice()]
      const answers: Array<Frame> = []
      const open = (index: number) => Peer.open(gina, { ack: pick(modes), device: devices[index]! })
      const peers = [await open(0), await open(1)]
      const collect = (peer: Peer) => answers.push(...peer.all(({ id }) => ids.includes(id)))
      for (const _ of range(1, stepCount)) {
        const index = random(2)
        const peer = peers[index]!
        const dice = random(20)
        if (dice < 8) await peer.send({ ...chat(pick(ids), dora, "chaos"), frameType: dice === 0 ? 3 : 0 })
        else if (dice < 16) await peer.send(confirmation(pick(ids)))
        else if (dice < 17) await peer.send(chat(pick(ids), dora, "chaos of another content"))
        else if (dice < 19) await peer.barrier()
        else {
          collect(peer)
          await peer.cut()
          peers[index] = await open(index)
        }
      }
      for (const peer of peers) {
        await peer.barrier()
        collect(peer)
        await peer.cut()
      }
      const last = await Peer.open(gina, { ack: "rigor" })
      const receiver = await Peer.open(dora)
      for (const id of ids) {
        const ends = [
          await last.settle(chat(id, dora, "chaos")),
          await last.settle(chat(id, dora, "chaos of another content"))
        ]
        const end = ends.find(({ frameType }) => frameType === type.ack)
        const stored = await storedAs(receiver, conversationID, [id])
        expect(stored, `seed ${seed}`).toHaveLength(1)
        expect(stored[0], `seed ${seed}`).toMatchObject(end?.data)
        const refusal = ends.find(({ frameType }) => frameType === type.err)
        expect(refusal?.data.code, `seed ${seed}`).toBe(100007)
        for (const ack of answers.filter((frame) => frame.id === id && frame.data?.messageId !== undefined)) {
          expect(ack.data, `seed ${seed}`).toEqual(end?.data)
        }
      }
      const errors = answers.filter(({ frameType }) => frameType === type.err)
      for (const { data } of errors) expect([100007, 300006], `seed ${seed}`).toContain(data.code)
      expect((await last.settle(request("user.online"))).frameType).toBe(type.data)
    })
  }
})
