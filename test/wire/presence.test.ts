/** Who is online, as a client sees it (protocol.md sections 1.6 and 1.9). */
import { describe, expect, it } from "vitest"
import { chat, type Frame, freshId } from "./support/Frames.ts"
import { Peer } from "./support/Peer.ts"
import { user } from "./support/Stage.ts"

// Nobody else uses Quin and Rosa: they are online when this file says so. Mona is a stranger to both.
const [quin, rosa, mona] = [user("quin"), user("rosa"), user("mona")]

const open = (who: typeof quin) => Peer.open(who, { ack: "once" })

/** Messages both ways make them contacts of each other. */
const acquaint = async (one: Peer, other: Peer) => {
  await one.settle(chat(freshId("hello"), rosa, "hello"))
  await other.settle(chat(freshId("hello"), quin, "hello"))
}

const isChange =
  (online: boolean) =>
  (frame: Frame): boolean =>
    frame.method === "presence.changed" && frame.data.userId === rosa.id && frame.data.online === online

describe("presence", () => {
  it("is told of contacts, and from then on whenever the last of their devices goes or the first comes", async () => {
    const [watcher, phone, laptop] = [await open(quin), await open(rosa), await open(rosa)]
    await acquaint(watcher, phone)
    const { users } = await watcher.ask("presence.watch", { userIds: [rosa.id, mona.id] })
    expect(users).toEqual([{ userId: rosa.id, online: true, lastSeen: expect.any(Number) }])
    expect(await watcher.ask("user.online", {})).toEqual([rosa.id])
    await phone.cut()
    await watcher.barrier()
    expect(watcher.all(isChange(false))).toEqual([])
    const leftAt = Date.now()
    await laptop.cut()
    const gone = await watcher.find("Rosa goes", isChange(false))
    expect(gone).toMatchObject({ id: "", fromID: "root" })
    expect(gone.data.lastSeen).toBeGreaterThan(leftAt - 60_000)
    const again = await open(rosa)
    await watcher.find("Rosa comes", isChange(true))
    // What is watched no more is not told.
    expect(await watcher.ask("presence.watch", { userIds: [] })).toEqual({ users: [] })
    const told = watcher.all((frame) => frame.method === "presence.changed").length
    const other = await open(quin)
    await other.ask("presence.watch", { userIds: [rosa.id] })
    await again.cut()
    await other.find("Rosa goes again", isChange(false))
    await watcher.barrier()
    expect(watcher.all((frame) => frame.method === "presence.changed")).toHaveLength(told)
  })
})
